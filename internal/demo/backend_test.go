package demo_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"postflight/internal/demo"
)

const (
	statistics  = "/api/tasks/statistics"
	dbMonitor   = "/api/tasks/db-monitor"
	queueStatus = "/api/tasks/queue-status"
)

func TestWhoIsLetIn(t *testing.T) {
	h := newHost(t)
	h.serving(t)
	later, earlier := time.Now().Add(time.Hour), time.Now().Add(-time.Second)
	admin := demo.Token(secret, demo.Admin, later)
	parts := strings.Split(admin, ".")
	algNone := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + parts[1] + "."
	tests := []struct {
		name          string
		path          string
		authorization string
		status        int
		body          string // within it
	}{
		{"anyone, for health", "/health", "", 200, `"status":"healthy"`},
		{"nobody", statistics, "", 401, `{"detail":"缺少Authorization头"}`},
		{"another scheme", statistics, "Basic " + admin, 401, "Bearer"},
		{"a token too short to be looked at", statistics, "Bearer short", 401, "无效的Token格式"},
		{"what the deployment guide sends", statistics, "Bearer invalid-token", 401, "not enough segments"},
		{"another key", statistics, "Bearer " + demo.Token([]byte("another"), demo.Admin, later), 401, "signature verification failed"},
		{"algorithm none", statistics, "Bearer " + algNone, 401, "alg value is not allowed"},
		{"claims changed", statistics, "Bearer " + parts[0] + "." + strings.Split(demo.Token(secret, demo.User, later), ".")[1] + "." + parts[2], 401, "signature verification failed"},
		{"a header that is none", statistics, "Bearer ?." + parts[1] + "." + parts[2], 401, "invalid header string"},
		{"expired", statistics, "Bearer " + demo.Token(secret, demo.Admin, earlier), 401, "signature has expired"},
		{"a user", statistics, "Bearer " + demo.Token(secret, demo.User, later), 200, `"queued":`},
		{"a user, in lower case", statistics, "bearer " + demo.Token(secret, demo.User, later), 200, `"total":`},
		{"a user, for what only administrators see", dbMonitor, "Bearer " + demo.Token(secret, demo.User, later), 403, "需要管理员权限"},
		{"nobody, for what only administrators see", queueStatus, "", 401, "缺少Authorization头"},
		{"an administrator", dbMonitor, "Bearer " + admin, 200, `"sessions_created":`},
		{"an administrator", queueStatus, "Bearer " + admin, 200, `"worker_id":`},
		{"anyone, elsewhere", "/", "", 404, `{"detail":"Not Found"}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			status, body := get(t, h.url+test.path, test.authorization)
			if status != test.status || !strings.Contains(body, test.body) {
				t.Errorf("%d %s, want %d and %s", status, body, test.status, test.body)
			}
		})
	}
}

func TestAnswersFieldForField(t *testing.T) {
	h := newHost(t)
	h.serving(t)
	tests := []struct {
		fault, path, want string
	}{
		{demo.Mended, "/health", `{"status":"healthy","service":"proxy-accounting-backend","timestamp":"TIME","issues":null,` +
			`"cache":{"status":"healthy","message":"Redis运行正常","fallback_mode":false,"performance_impact":null}}`},
		{demo.RedisDown, "/health", `{"status":"degraded","service":"proxy-accounting-backend","timestamp":"TIME",` +
			`"issues":["Redis连接异常 - 系统在无缓存模式下运行","建议检查Redis服务是否启动和配置是否正确"],` +
			`"cache":{"status":"unhealthy","message":"Redis未连接","fallback_mode":true,"performance_impact":"可能影响响应速度"}}`},
		{demo.Mended, statistics, `{"total":N,"queued":N,"processing":N,"completed":N,"failed":N}`},
		{demo.Mended, dbMonitor, `{"runtime_seconds":N,"sessions_created":N,"sessions_closed":N,"sessions_active":N,` +
			`"max_concurrent_sessions":N,"avg_session_lifetime":N,"sessions_per_second":N,"error_count":N,"long_sessions":N,"potential_leaks":N}`},
		{demo.Mended, queueStatus, `{"queue_counts":{"queued":N,"processing":N,"completed":N,"failed":N},` +
			`"user_concurrency":{"17":N,"42":N},"avg_wait_time_seconds":N,"worker_id":"WORKER"}`},
		{demo.QueueDBGone, queueStatus, `{"error":"(pymysql.err.OperationalError) (N, 'Lost connection to MySQL server during query')"}`},
	}
	shape := strings.NewReplacer("\n", "")
	timestamp := regexp.MustCompile(`"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}"`)
	worker := regexp.MustCompile(`"worker_id":"\w+"`)
	figure := regexp.MustCompile(`([:(])-?\d+(\.\d+)?([,}])`)
	for _, test := range tests {
		t.Run(test.fault+" "+test.path, func(t *testing.T) {
			h.breakIt(t, test.fault)
			_, body := get(t, h.url+test.path, "Bearer "+demo.Token(secret, demo.Admin, time.Now().Add(time.Hour)))
			body = timestamp.ReplaceAllString(shape.Replace(body), `"TIME"`)
			body = figure.ReplaceAllString(worker.ReplaceAllString(body, `"worker_id":"WORKER"`), "${1}N$3")
			if diff := cmp.Diff(test.want, body); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// The monitor's counters grow with requests and errors, and begin at 0 again with each process.
func TestCountersGrowUntilTheNextProcess(t *testing.T) {
	h := newHost(t)
	h.serving(t)
	type figures struct {
		Runtime float64 `json:"runtime_seconds"`
		Created int     `json:"sessions_created"`
		Closed  int     `json:"sessions_closed"`
		Active  int     `json:"sessions_active"`
		Errors  int     `json:"error_count"`
	}
	admin := "Bearer " + demo.Token(secret, demo.Admin, time.Now().Add(time.Hour))
	read := func() (f figures) {
		_, body := get(t, h.url+dbMonitor, admin)
		if err := json.Unmarshal([]byte(body), &f); err != nil {
			t.Fatal(err)
		}
		return f
	}
	h.breakIt(t, demo.QueueDBGone)
	first := read()
	for range 3 {
		get(t, h.url+queueStatus, admin)
	}
	second := read()
	// A session may be closed just after its answer has come, so only what is certain is compared.
	if second.Created != first.Created+4 || second.Errors != first.Errors+3 || second.Closed+second.Active != second.Created || second.Runtime <= first.Runtime {
		t.Errorf("after three failed queries and a look: %+v, before: %+v", second, first)
	}
	if err := h.Deploy(h.ctx, "1.4.2", demo.Mended); err != nil {
		t.Fatal(err)
	}
	h.serving(t)
	if third := read(); third.Created != 1 || third.Errors != 0 || third.Runtime >= second.Runtime {
		t.Errorf("in a new process: %+v", third)
	}
}

// breakIt returns when the running backend has the fault.
func (h *host) breakIt(t *testing.T, fault string) {
	t.Helper()
	if err := h.Fault(h.ctx, fault); err != nil {
		t.Fatal(err)
	}
	h.log.await(t, h.ctx, "fault: "+fault)
}

func get(t *testing.T, url, authorization string) (status int, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}
