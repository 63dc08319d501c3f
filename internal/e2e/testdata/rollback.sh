#!/bin/sh
# Brings the last good release back: its packages, environment and unit. Whatever else a bad one left goes.
set -eu

echo run >>/run/rollbacks
[ -e /run/rollback-does-nothing ] && exit

ln -sfn /usr/lib/python3/dist-packages/jwt "$(echo /opt/proxy-system/venv/lib/python3*/site-packages)/jwt"
rm -rf /run/proxy-system.env /run/systemd/system/proxy-system.service.d
systemctl daemon-reload
systemctl reset-failed proxy-system || true # it may be well
systemctl restart proxy-system
