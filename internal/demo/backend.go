package demo

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

const (
	shortestToken = 10 // characters; a shorter one is refused before it is looked at
	slowness      = 2 * time.Second
)

// backend answers as the backends do that postflight was made for, their oddities included: health says 200 when it is
// degraded, and queue-status hides an error behind a 200.
type backend struct {
	key      []byte
	began    time.Time
	worker   string
	sessions *sessions
	fault    atomic.Value // string
}

func newBackend(key []byte, worker, fault string) *backend {
	now := time.Now()
	b := &backend{key: key, began: now, worker: worker, sessions: &sessions{began: now}}
	b.fault.Store(fault)
	return b
}

func (b *backend) has(fault string) bool { return b.fault.Load() == fault }

func (b *backend) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", b.health)
	mux.HandleFunc("GET /api/tasks/statistics", b.forRole(User, b.statistics))
	mux.HandleFunc("GET /api/tasks/db-monitor", b.forRole(Admin, b.dbMonitor))
	mux.HandleFunc("GET /api/tasks/queue-status", b.forRole(Admin, b.queueStatus))
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { refuse(w, http.StatusNotFound, "Not Found") })
	return b.unlessDead(mux)
}

// unlessDead takes a request and, being dead, keeps it until the client loses patience.
func (b *backend) unlessDead(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if b.has(Dead) {
			<-r.Context().Done()
			return
		}
		next.ServeHTTP(w, r)
	})
}

// forRole lets in who bears a token of the role, and opens a database session for the request.
func (b *backend) forRole(role string, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		defer b.sessions.open()()
		if !b.wait(r) {
			return
		}
		if !b.has(AuthBypassed) {
			bearer, refusal := b.bearer(r.Header.Get("Authorization"))
			if refusal != "" {
				w.Header().Set("WWW-Authenticate", "Bearer")
				refuse(w, http.StatusUnauthorized, refusal)
				return
			}
			if role == Admin && bearer.Role != Admin {
				refuse(w, http.StatusForbidden, "需要管理员权限")
				return
			}
		}
		next(w, r)
	}
}

// wait is for the database, which may be slow. It reports whether the client is still there.
func (b *backend) wait(r *http.Request) bool {
	if !b.has(Slow) {
		return true
	}
	timer := time.NewTimer(slowness)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

// bearer is who the header speaks for, or why it is refused.
func (b *backend) bearer(authorization string) (c claims, refusal string) {
	if authorization == "" {
		return claims{}, "缺少Authorization头"
	}
	scheme, token, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return claims{}, "认证方案必须是Bearer"
	}
	token = strings.TrimSpace(token)
	if len(token) < shortestToken {
		return claims{}, "无效的Token格式"
	}
	c, err := verifyToken(b.key, token, time.Now())
	if err != nil {
		return claims{}, "无效的Token: " + err.Error()
	}
	return c, ""
}

// refuse answers as FastAPI does.
func refuse(w http.ResponseWriter, status int, detail string) {
	answer(w, status, struct {
		Detail string `json:"detail"`
	}{detail})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	text := json.NewEncoder(w)
	text.SetEscapeHTML(false)
	text.Encode(body) // the client may have gone; there is nobody to tell
}
