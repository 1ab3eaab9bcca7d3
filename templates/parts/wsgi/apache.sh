# Apache and mod_wsgi in daemon mode, as the seed ran it. Arguments: port, processes, threads.
export APACHE_PORT="$1" APACHE_PROCESSES="$2" APACHE_THREADS="$3"
exec apache2 -D FOREGROUND -f /hostctl/apache.conf
