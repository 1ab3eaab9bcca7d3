from importlib import import_module

module, name = "{{wsgi}}".split(":")
application = getattr(import_module(module), name)
