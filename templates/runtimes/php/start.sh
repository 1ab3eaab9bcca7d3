# PHP's process manager and the nginx in front of it; when one ends, the container does. Arguments: processes, threads.
export PHP_CHILDREN=$(( $1 * $2 ))

php-fpm --nodaemonize --fpm-config /hostctl/php-fpm.conf &
fpm=$!
/bin/sh /hostctl/listen.sh /hostctl/php.conf &
nginx=$!

# SIGQUIT lets the requests under way finish, first in nginx, then in PHP.
finish() {
  kill -QUIT "$nginx" 2>/dev/null
  wait "$nginx"
  kill -QUIT "$fpm" 2>/dev/null
  wait "$fpm"
  exit 0
}
trap finish TERM INT

wait -n
exit 1
