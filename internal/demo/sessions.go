package demo

import (
	"math"
	"sync"
	"time"
)

// longSession is what counts as one.
const longSession = 5 * time.Second

// sessions counts the database sessions of one process, as the backend's monitor does. Several requests use it at once.
type sessions struct {
	mu       sync.Mutex
	began    time.Time
	created  int
	closed   int
	active   int
	most     int
	lifetime time.Duration // of all that were closed
	errors   int
	long     int
}

// open begins a session. What it returns ends it.
func (s *sessions) open() (done func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.created++
	s.active++
	s.most = max(s.most, s.active)
	opened := time.Now()
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		lived := time.Since(opened)
		s.active--
		s.closed++
		s.lifetime += lived
		if lived > longSession {
			s.long++
		}
	}
}

func (s *sessions) fail() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.errors++
}

// figures is the body of db-monitor.
type figures struct {
	RuntimeSeconds        float64 `json:"runtime_seconds"`
	SessionsCreated       int     `json:"sessions_created"`
	SessionsClosed        int     `json:"sessions_closed"`
	SessionsActive        int     `json:"sessions_active"`
	MaxConcurrentSessions int     `json:"max_concurrent_sessions"`
	AvgSessionLifetime    float64 `json:"avg_session_lifetime"` // seconds
	SessionsPerSecond     float64 `json:"sessions_per_second"`
	ErrorCount            int     `json:"error_count"`
	LongSessions          int     `json:"long_sessions"`
	PotentialLeaks        int     `json:"potential_leaks"`
}

func (s *sessions) figures() figures {
	s.mu.Lock()
	defer s.mu.Unlock()
	runtime := time.Since(s.began).Seconds()
	f := figures{
		RuntimeSeconds:        rounded(runtime, 3),
		SessionsCreated:       s.created,
		SessionsClosed:        s.closed,
		SessionsActive:        s.active,
		MaxConcurrentSessions: s.most,
		SessionsPerSecond:     rounded(float64(s.created)/runtime, 2),
		ErrorCount:            s.errors,
		LongSessions:          s.long,
	}
	if s.closed > 0 {
		f.AvgSessionLifetime = rounded(s.lifetime.Seconds()/float64(s.closed), 4)
	}
	return f
}

func rounded(x float64, digits int) float64 {
	scale := math.Pow10(digits)
	return math.Round(x*scale) / scale
}
