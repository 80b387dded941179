#!/bin/sh
# haven-server for the operator: as the service's user and with the service's settings, so that whatever it makes is the
# service's to read. Root installs it as /usr/local/sbin/haven-server, see docs/operate.md.
set -eu
settings=/etc/haven/server.env
if [ -e "$settings" ]; then
  set -a
  . "$settings"
  set +a
fi
exec runuser -u haven -- /opt/haven/bin/haven-server "$@"
