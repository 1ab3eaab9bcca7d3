# Listens where PORT says, a socket or a port, and becomes nginx.
case "$PORT" in
  /*) echo "listen unix:$PORT;" ;;
  *) echo "listen $PORT;" ;;
esac > /tmp/listen.conf
exec nginx -c "$1" -g 'daemon off;'
