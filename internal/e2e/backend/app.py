"""The backend that the end-to-end test verifies: four endpoints, a login, real MariaDB, Redis and JWTs.

It answers as the backends do that postflight was made for, their oddities included: /health says 200 when it is
degraded, the database is asked before a token is judged, and queue-status hides a failed query behind a 200.
"""

import asyncio
import hashlib
import hmac
import logging
import os
import sys
import time
import uuid
from datetime import datetime, timedelta, timezone

import jwt
import redis
from fastapi import Depends, FastAPI, Header, HTTPException
from pydantic import BaseModel
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL

from sessions import Monitor, wait_for_turn

log = logging.getLogger("proxy-system")
log.addHandler(logging.StreamHandler(sys.stdout))
log.setLevel(logging.INFO)
log.propagate = False

SECRET = os.environ["JWT_SECRET_KEY"]
if len(SECRET) < 32:
    raise SystemExit("JWT_SECRET_KEY must have 32 characters or more")
TOKEN_LIFETIME = timedelta(seconds=int(os.environ.get("ACCESS_TOKEN_EXPIRE_SECONDS", "1800")))
SHORTEST_TOKEN = 10
SLOW_AUTHENTICATION_SECONDS = 1.0
ANSWER_DELAY_SECONDS = float(os.environ.get("ANSWER_DELAY_SECONDS", "0"))
WORKER_ID = str(uuid.uuid4())

engine = create_engine(
    URL.create(
        "mysql+pymysql",
        username=os.environ["MYSQL_USERNAME"],
        password=os.environ["MYSQL_PASSWORD"],
        host=os.environ["MYSQL_HOST"],
        port=int(os.environ.get("MYSQL_PORT", "3306")),
        database=os.environ["MYSQL_DATABASE"],
    ),
    pool_size=25,
    max_overflow=30,
    pool_pre_ping=True,
    connect_args={"connect_timeout": 3, "read_timeout": 5, "write_timeout": 5},
)
cache = redis.Redis(host="127.0.0.1", port=6379, socket_connect_timeout=1, socket_timeout=1)
app = FastAPI(title="proxy-accounting-backend")

wait_for_turn(float(os.environ.get("WORKER_START_GAP", "0")))
monitor = Monitor(engine, os.environ.get("RUNTIME_DIRECTORY"))


if ANSWER_DELAY_SECONDS:

    @app.middleware("http")
    async def answer_late(request, proceed):
        """A slow release: all is answered as always, but later."""
        await asyncio.sleep(ANSWER_DELAY_SECONDS)
        return await proceed(request)



class Unauthorized(HTTPException):
    def __init__(self, detail):
        log.warning("❌ Token验证失败: %s", detail)
        super().__init__(status_code=401, detail=detail, headers={"WWW-Authenticate": "Bearer"})


def claims_of(authorization):
    """The claims of a bearer token that is valid; Unauthorized for every other header."""
    if not authorization:
        raise Unauthorized("缺少Authorization头")
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthorized("认证方案必须是Bearer")
    token = token.strip()
    if len(token) < SHORTEST_TOKEN:
        raise Unauthorized("无效的Token格式")
    try:
        return jwt.decode(token, SECRET, algorithms=["HS256"], options={"require": ["exp", "sub"]})
    except jwt.ExpiredSignatureError:
        raise Unauthorized("Token已过期")
    except jwt.InvalidTokenError as err:
        raise Unauthorized(f"无效的Token: {err}")


def current_user(authorization: str = Header(default=None)):
    """The user of the token. The session opens first, so a lost database shows as 500 whatever the token is."""
    begun = time.monotonic()
    try:
        with monitor.session() as session:
            claims = claims_of(authorization)
            user = session.execute(
                text("SELECT id, username FROM users WHERE id = :id"), {"id": claims["sub"]}
            ).first()
        if user is None:
            raise Unauthorized("用户不存在")
    except HTTPException:
        raise
    except Exception as err:
        log.error("❌ 认证服务异常: %s", err)
        raise HTTPException(status_code=500, detail="认证服务异常")
    elapsed = time.monotonic() - begun
    if elapsed > SLOW_AUTHENTICATION_SECONDS:
        log.warning("⚠️ 用户认证耗时过长: %.1fms, 用户: %s", elapsed * 1000, user.username)
    return user


def administrator(authorization: str = Header(default=None)):
    """The claims of an administrator's token. The role stands in the token: the database is not asked."""
    claims = claims_of(authorization)
    if claims.get("role") != "admin":
        raise HTTPException(status_code=403, detail="需要管理员权限")
    return claims


@app.get("/health")
def health():
    try:
        cache.ping()
        issues = None
        state = {"status": "healthy", "message": "Redis运行正常", "fallback_mode": False, "performance_impact": None}
    except redis.RedisError:
        issues = ["Redis连接异常 - 系统在无缓存模式下运行", "建议检查Redis服务是否启动和配置是否正确"]
        state = {
            "status": "unhealthy",
            "message": "Redis未连接",
            "fallback_mode": True,
            "performance_impact": "可能影响响应速度",
        }
    return {
        "status": "degraded" if issues else "healthy",
        "service": "proxy-accounting-backend",
        "timestamp": datetime.now().isoformat(),
        "issues": issues,
        "cache": state,
    }


@app.get("/api/tasks/statistics")
def statistics(user=Depends(current_user)):
    try:
        with monitor.session() as session:
            rows = session.execute(
                text("SELECT status, COUNT(*) FROM task_queue WHERE user_id = :id GROUP BY status"), {"id": user.id}
            ).all()
    except Exception as err:
        raise HTTPException(status_code=500, detail=f"获取统计数据失败: {err}")
    counts = {status: count for status, count in rows}
    return {"total": sum(counts.values()), **counts}


@app.get("/api/tasks/db-monitor")
def db_monitor(_=Depends(administrator)):
    return monitor.figures()


@app.get("/api/tasks/queue-status")
def queue_status(_=Depends(administrator)):
    try:
        with monitor.session() as session:
            counts = session.execute(text("SELECT status, COUNT(*) FROM task_queue GROUP BY status")).all()
            users = session.execute(
                text("SELECT user_id, COUNT(*) FROM task_queue WHERE status = 'processing' GROUP BY user_id")
            ).all()
            wait = session.execute(
                text(
                    "SELECT AVG(TIMESTAMPDIFF(MICROSECOND, created_at, started_at)) / 1000000"
                    " FROM task_queue WHERE started_at IS NOT NULL"
                )
            ).scalar()
    except Exception as err:
        return {"error": str(err)}
    return {
        "queue_counts": {status: count for status, count in counts},
        "user_concurrency": {str(user): count for user, count in users},
        "avg_wait_time_seconds": round(float(wait or 0), 2),
        "worker_id": WORKER_ID,
    }


class Login(BaseModel):
    username: str
    password: str


@app.post("/api/auth/login")
def login(form: Login):
    with monitor.session() as session:
        user = session.execute(
            text("SELECT id, username, role, salt, password_hash FROM users WHERE username = :name"),
            {"name": form.username},
        ).first()
    given = hashlib.sha256(((user.salt if user else "") + form.password).encode()).hexdigest()
    if user is None or not hmac.compare_digest(given, user.password_hash):
        raise HTTPException(status_code=401, detail="用户名或密码错误")
    now = datetime.now(timezone.utc)
    claims = {"sub": str(user.id), "role": user.role, "iat": now, "exp": now + TOKEN_LIFETIME}
    return {"access_token": jwt.encode(claims, SECRET, algorithm="HS256"), "token_type": "bearer"}
