#!/bin/sh
# Installs the backend below /opt/proxy-system from the folder this script lies in. The venv gets Debian's packages
# linked in one by one instead of system-site-packages, so that one can be taken out, as in the incident.
set -eu

from=$(dirname "$(readlink -f "$0")")
to=/opt/proxy-system

mkdir -p "$to/backend"
cp "$from/app.py" "$from/sessions.py" "$to/backend/"
cp "$from/backend.env" "$to/.env"
cp "$from/proxy-system.service" /run/systemd/system/

/usr/bin/python3 -m venv --without-pip "$to/venv"
site=$("$to/venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
for package in \
  fastapi starlette pydantic typing_extensions.py anyio sniffio idna \
  uvicorn click asgiref h11 \
  jwt sqlalchemy greenlet pymysql redis async_timeout packaging deprecated wrapt
do
  ln -s "/usr/lib/python3/dist-packages/$package" "$site/$package"
done
