package demo

import (
	"net/http"
	"time"
)

// pythonTime is how Python's isoformat writes a time.
const pythonTime = "2006-01-02T15:04:05.000000"

type healthAnswer struct {
	Status    string      `json:"status"`
	Service   string      `json:"service"`
	Timestamp string      `json:"timestamp"`
	Issues    []string    `json:"issues"` // null where there are none
	Cache     cacheAnswer `json:"cache"`
}

type cacheAnswer struct {
	Status            string  `json:"status"`
	Message           string  `json:"message"`
	FallbackMode      bool    `json:"fallback_mode"`
	PerformanceImpact *string `json:"performance_impact"`
}

func (b *backend) health(w http.ResponseWriter, _ *http.Request) {
	h := healthAnswer{
		Status:    "healthy",
		Service:   "proxy-accounting-backend",
		Timestamp: time.Now().Format(pythonTime),
		Cache:     cacheAnswer{Status: "healthy", Message: "Redis运行正常"},
	}
	if b.has(RedisDown) {
		impact := "可能影响响应速度"
		h.Status = "degraded"
		h.Issues = []string{"Redis连接异常 - 系统在无缓存模式下运行", "建议检查Redis服务是否启动和配置是否正确"}
		h.Cache = cacheAnswer{Status: "unhealthy", Message: "Redis未连接", FallbackMode: true, PerformanceImpact: &impact}
	}
	answer(w, http.StatusOK, h)
}

// queueCounts lets the queue work through a task every other second.
type queueCounts struct {
	Queued     int `json:"queued"`
	Processing int `json:"processing"`
	Completed  int `json:"completed"`
	Failed     int `json:"failed"`
}

func (b *backend) counts() queueCounts {
	seconds := int(time.Since(b.began).Seconds())
	return queueCounts{Queued: 12 - seconds%5, Processing: 3, Completed: 980 + seconds/2, Failed: 5}
}

func (b *backend) statistics(w http.ResponseWriter, _ *http.Request) {
	c := b.counts()
	answer(w, http.StatusOK, struct {
		Total int `json:"total"`
		queueCounts
	}{c.Queued + c.Processing + c.Completed + c.Failed, c})
}

func (b *backend) dbMonitor(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, b.sessions.figures())
}

type queueAnswer struct {
	QueueCounts        queueCounts    `json:"queue_counts"`
	UserConcurrency    map[string]int `json:"user_concurrency"`
	AvgWaitTimeSeconds float64        `json:"avg_wait_time_seconds"`
	WorkerID           string         `json:"worker_id"`
}

func (b *backend) queueStatus(w http.ResponseWriter, _ *http.Request) {
	if b.has(QueueDBGone) {
		b.sessions.fail()
		answer(w, http.StatusOK, struct {
			Error string `json:"error"`
		}{"(pymysql.err.OperationalError) (2013, 'Lost connection to MySQL server during query')"})
		return
	}
	answer(w, http.StatusOK, queueAnswer{
		QueueCounts:        b.counts(),
		UserConcurrency:    map[string]int{"17": 2, "42": 1},
		AvgWaitTimeSeconds: 8.75,
		WorkerID:           b.worker,
	})
}
