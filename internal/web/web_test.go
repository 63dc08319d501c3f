package web_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"postflight/internal/state"
	"postflight/internal/web"
	"postflight/probe"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func key(name string) probe.Key {
	return probe.Key{Service: "shop", Target: "http://10.0.0.1:8000", Check: name}
}

var shopUnit = probe.Key{Service: "shop", Unit: "shop.service"}

// shop has checks of the given names and one unit.
func shop(names ...string) *state.Store {
	service := state.Service{Name: "shop", Units: []string{"shop.service"}}
	for _, name := range names {
		service.Checks = append(service.Checks, probe.Check{Key: key(name), Critical: name != "front-end"})
	}
	store := state.New()
	store.Apply([]state.Service{service})
	return store
}

func handler(store *state.Store) http.Handler {
	return web.Handler(web.Options{
		Store:   store,
		Started: time.Now(),
		Version: "1.2.3",
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "the metrics") }),
	})
}

func ask(h http.Handler, method, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
	return w
}

func TestRoutes(t *testing.T) {
	store := shop("health")
	store.Fold(probe.Result{Key: key("health"), Start: time.Now()})
	store.Fold(probe.Result{Key: shopUnit, Start: time.Now()})
	h := handler(store)
	for _, row := range []struct {
		method, path string
		status       int
		contains     string
	}{
		{"GET", "/", 200, "<h1>"},
		{"HEAD", "/", 200, ""},
		{"GET", "/metrics", 200, "the metrics"},
		{"GET", "/-/healthy", 200, "alive"},
		{"HEAD", "/-/healthy", 200, ""},
		{"GET", "/-/ready", 200, "ready"},
		{"POST", "/", 405, ""},
		{"POST", "/metrics", 405, ""},
		{"DELETE", "/-/healthy", 405, ""},
		{"PUT", "/-/ready", 405, ""},
		{"GET", "/favicon.ico", 404, ""},
		{"GET", "/metrics/", 404, ""},
		{"GET", "/-/", 404, ""},
		{"GET", "/-/reload", 404, ""},
	} {
		t.Run(row.method+" "+row.path, func(t *testing.T) {
			w := ask(h, row.method, row.path)
			if w.Code != row.status || !strings.Contains(w.Body.String(), row.contains) {
				t.Errorf("got %d %s", w.Code, w.Body)
			}
			if row.status == http.StatusMethodNotAllowed && w.Header().Get("Allow") != "GET, HEAD" {
				t.Errorf("allowed are %q", w.Header().Get("Allow"))
			}
			if w.Header().Get("X-Content-Type-Options") != "nosniff" {
				t.Error("may be sniffed")
			}
		})
	}
}

func TestReadyOnceEveryCheckHasRunAndEveryUnitIsToldOf(t *testing.T) {
	store := shop("health", "auth")
	h := handler(store)
	store.Fold(probe.Result{Key: key("health"), Start: time.Now()})
	awaits := func(want string) {
		t.Helper()
		w := ask(h, "GET", "/-/ready")
		if w.Code != http.StatusServiceUnavailable || w.Body.String() != want {
			t.Errorf("got %d %q, want %q", w.Code, w.Body, want)
		}
	}
	awaits("postflight is not ready: 2 of its checks and units have not been looked at yet.\n" +
		"shop: auth of http://10.0.0.1:8000\nshop: shop.service\n")
	store.Fold(probe.Result{Key: key("auth"), Start: time.Now(), Outcome: probe.Fail})
	awaits("postflight is not ready: 1 of its checks and units have not been looked at yet.\nshop: shop.service\n")
	store.Fold(probe.Result{Key: shopUnit, Start: time.Now(), Outcome: probe.Error}) // out of reach is an answer
	if w := ask(h, "GET", "/-/ready"); w.Code != http.StatusOK {
		t.Errorf("not ready though all have been looked at: %d %s", w.Code, w.Body)
	}
}

// TestAStuckStoreIsNotAlive: a probe for liveness gets no answer then, as the watchdog gets no beat.
func TestAStuckStoreIsNotAlive(t *testing.T) {
	store := shop("health")
	stuck, mend := make(chan struct{}), make(chan struct{})
	store.Subscribe(func(state.Event) {
		close(stuck)
		<-mend
	})
	var folding, asking sync.WaitGroup
	folding.Go(func() { store.Fold(probe.Result{Key: key("health"), Start: time.Now()}) })
	<-stuck
	answered := make(chan int, 1)
	asking.Go(func() { answered <- ask(handler(store), "GET", "/-/healthy").Code })

	stacks := make([]byte, 1<<20)
	for waits := false; !waits; {
		waits = bytes.Contains(stacks[:runtime.Stack(stacks, true)], []byte("state.(*Store).Snapshot"))
		select {
		case code := <-answered:
			t.Error("alive while the store is stuck")
			answered <- code
			waits = true
		default:
		}
	}
	close(mend)
	asking.Wait()
	folding.Wait()
	if code := <-answered; code != http.StatusOK {
		t.Errorf("not alive though the store is mended: %d", code)
	}
}

func TestReadyAfterHalfAMinuteWhateverHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := handler(shop("health"))
		time.Sleep(30*time.Second - 1)
		if w := ask(h, "GET", "/-/ready"); w.Code != http.StatusServiceUnavailable {
			t.Errorf("before: %d", w.Code)
		}
		time.Sleep(time.Nanosecond)
		if w := ask(h, "GET", "/-/ready"); w.Code != http.StatusOK {
			t.Errorf("after: %d", w.Code)
		}
	})
}

func TestWhatIsAwaitedIsNamedInBriefWhereItIsMuch(t *testing.T) {
	var names []string
	for i := range 500 {
		names = append(names, fmt.Sprint("check-", i))
	}
	body := ask(handler(shop(names...)), "GET", "/-/ready").Body.String()
	if lines := strings.Count(body, "\n"); lines != 22 || !strings.Contains(body, "… and 481 more") {
		t.Errorf("%d lines:\n%s", lines, body)
	}
}

// text is the page without its tags and with single blanks, as it is read.
func text(h http.Handler) string {
	body := ask(h, "GET", "/").Body.String()
	_, body, _ = strings.Cut(body, "</head>")
	return strings.Join(strings.Fields(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(body, " ")), " ")
}

func TestThePageSaysHowThingsAre(t *testing.T) {
	check := func(name string, r probe.Result) func(*state.Store, time.Time) {
		return func(s *state.Store, now time.Time) {
			r.Key, r.Start, r.Duration = key(name), now.Add(-5*time.Second), time.Second
			s.Fold(r)
		}
	}
	unit := func(u *probe.Unit, ago time.Duration) func(*state.Store, time.Time) {
		return func(s *state.Store, now time.Time) {
			s.Fold(probe.Result{Key: shopUnit, Start: now.Add(-ago), Unit: u})
		}
	}
	running := unit(&probe.Unit{LoadState: "loaded", ActiveState: "active", SubState: "running"}, time.Minute)
	passed := check("health", probe.Result{Status: 200})
	for _, row := range []struct {
		name  string
		folds []func(*state.Store, time.Time)
		want  []string
	}{
		{"nothing has run", nil, []string{"1 service not known", "health not run yet", "shop.service not looked at yet"}},
		{
			"all is well",
			[]func(*state.Store, time.Time){passed, running},
			[]string{"1 service healthy", "health pass 200 4 s ago took 1000 ms", "shop.service active running 0 restarts 1 min ago"},
		},
		{
			"a warning",
			[]func(*state.Store, time.Time){check("health", probe.Result{Outcome: probe.Warn, Status: 200, Wanted: "status healthy"}), running},
			[]string{"1 service with warnings", "health warn 200 wanted status healthy"},
		},
		{
			"a failure",
			[]func(*state.Store, time.Time){
				check("health", probe.Result{Outcome: probe.Fail, Reason: probe.ReasonConnect, Wanted: "a connection", Got: "refused"}), running,
			},
			[]string{"1 service failing", "health fail connect wanted a connection 4 s ago"},
		},
		{
			"could not be measured",
			[]func(*state.Store, time.Time){check("health", probe.Result{Outcome: probe.Error, Reason: probe.ReasonCredentials}), running},
			[]string{"1 service not known", "health error credentials"},
		},
		{
			"a check that is not critical takes nothing down",
			[]func(*state.Store, time.Time){passed, check("front-end", probe.Result{Outcome: probe.Fail}), running},
			[]string{"1 service with warnings", "front-end not critical fail"},
		},
		{
			"a crash loop, though systemd says running",
			[]func(*state.Store, time.Time){
				passed, running, unit(&probe.Unit{LoadState: "loaded", ActiveState: "active", SubState: "running", NRestarts: 21667}, 0),
			},
			[]string{"1 service failing", "shop.service active crash looping running 21667 restarts"},
		},
		{
			"a unit that is not there",
			[]func(*state.Store, time.Time){passed, unit(&probe.Unit{LoadState: "not-found", ActiveState: "inactive", SubState: "dead"}, 0)},
			[]string{"1 service failing", "shop.service not-found dead"},
		},
		{
			"systemd is out of reach",
			[]func(*state.Store, time.Time){passed, running, unit(nil, 0)},
			[]string{"1 service not known", "shop.service out of reach"},
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				names := []string{"health"}
				if strings.Contains(row.name, "not critical") {
					names = append(names, "front-end")
				}
				store := shop(names...)
				for _, fold := range row.folds {
					fold(store, time.Now())
				}
				page := text(handler(store))
				for _, want := range row.want {
					if !strings.Contains(page, want) {
						t.Errorf("does not say %q:\n%s", want, page)
					}
				}
			})
		})
	}
}

func TestTheHeadlineCountsServices(t *testing.T) {
	store := state.New()
	var services []state.Service
	for i := range 3 {
		services = append(services, state.Service{Name: fmt.Sprint(i), Checks: []probe.Check{{Key: probe.Key{Service: fmt.Sprint(i), Check: "c"}, Critical: true}}})
	}
	store.Apply(services)
	for _, step := range []struct {
		service string
		outcome probe.Outcome
		want    string
	}{
		{"0", probe.Pass, "2 of 3 services not known"},
		{"1", probe.Warn, "1 of 3 services not known"},
		{"2", probe.Pass, "1 of 3 services with warnings"},
		{"1", probe.Pass, "3 services healthy"},
		{"0", probe.Error, "1 of 3 services not known"},
		{"1", probe.Fail, "1 of 3 services failing"},
		{"2", probe.Fail, "2 of 3 services failing"},
		{"0", probe.Fail, "3 services failing"},
	} {
		store.Fold(probe.Result{Key: probe.Key{Service: step.service, Check: "c"}, Start: time.Now(), Outcome: step.outcome})
		if page := text(handler(store)); !strings.Contains(page, "postflight "+step.want) {
			t.Errorf("after %s %v it does not say %q", step.service, step.outcome, step.want)
		}
	}
}

func TestWithoutServicesThePageSaysSo(t *testing.T) {
	if page := text(handler(state.New())); !strings.Contains(page, "No service is configured") {
		t.Error(page)
	}
}

// TestWhatABackendSaidIsNotShown: the page may be open to more people than the backend is.
func TestWhatABackendSaidIsNotShown(t *testing.T) {
	store := shop("health")
	store.Fold(probe.Result{
		Key: key("health"), Start: time.Now(), Outcome: probe.Fail, Reason: probe.ReasonBody, Wanted: "status healthy", Got: "top secret",
		Values: []probe.Value{{Metric: "health_component_status", Label: "top secret", State: "unhealthy"}},
	})
	if body := ask(handler(store), "GET", "/").Body.String(); strings.Contains(body, "top secret") {
		t.Errorf("it is:\n%s", body)
	}
}

func TestThePageIsEscapedAndRunsNothing(t *testing.T) {
	const nasty = `"><script>alert(1)</script>`
	store := state.New()
	odd := probe.Key{Service: nasty, Target: "javascript:" + nasty, Check: nasty}
	store.Apply([]state.Service{{Name: nasty, Checks: []probe.Check{{Key: odd}}, Units: []string{nasty}}})
	store.Fold(probe.Result{Key: odd, Start: time.Now(), Outcome: probe.Fail, Reason: probe.Reason(nasty), Wanted: nasty})
	w := ask(handler(store), "GET", "/")
	body := w.Body.String()
	if strings.Contains(body, "<script") || strings.Contains(body, nasty) {
		t.Errorf("not escaped:\n%s", body)
	}
	for _, loads := range []string{"src=", "<link", "@import", "url(", "<iframe", "<form"} {
		if strings.Contains(body, loads) {
			t.Errorf("it has %s", loads)
		}
	}

	style := regexp.MustCompile(`(?s)<style>(.*)</style>`).FindStringSubmatch(body)
	if style == nil {
		t.Fatal("no style")
	}
	hash := sha256.Sum256([]byte(style[1]))
	want := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	if got := w.Header().Get("Content-Security-Policy"); got != want {
		t.Errorf("policy %q, want %q", got, want)
	}
}
