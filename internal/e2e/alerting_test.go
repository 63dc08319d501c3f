package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"postflight/internal/testhost"
)

const (
	// longPatience is for what takes two minutes: an outage has to last for that long. It is shorter than the five minutes after
	// which a crash loop is over by itself.
	longPatience = 4 * time.Minute

	// slowStart leaves the time to see that a deployment is under verification, and a first crash apart from a third.
	slowStart = "[Service]\nExecStartPre=sleep 3"
)

// The incident as those live through it who are woken: a deployment without PyJWT, which nobody announced.
func TestTheIncidentIsToldOfAndEnds(t *testing.T) {
	t.Parallel() // it mostly waits
	testhost.RequireTools(t, "prometheus", "prometheus-alertmanager")
	m := start(t)
	m.eventuallyShows(healthy)
	a := startAlerting(m)
	t.Log("the scrape has another service, which stays its own")
	a.shows(1, `up{service="of-the-scrape"} == 1`)
	a.shows(4, `postflight_probe_success{service="proxy-system"} == 1`)
	a.shows(0, `postflight_probe_success{service!="proxy-system"}`)
	a.shows(0, `{__name__=~"postflight_.+", exported_service!=""}`)
	a.shows(0, `ALERTS`)

	t.Log("a deploy without PyJWT")
	m.Exec("sh", "-ec", override(slowStart)+withoutJWT+restart)
	running := a.tells("nobody", "firing PostflightVerificationRunning")
	failed := a.tells("pager", "firing PostflightVerificationFailed")
	looping := a.tells("pager", "firing PostflightCrashLooping")
	a.tells("nobody", "resolved PostflightVerificationRunning")
	if failed.at.Before(running.at) {
		t.Errorf("that the deployment has failed came %v before that it is under verification", running.at.Sub(failed.at))
	}
	if said := failed.Annotations["description"]; !strings.Contains(said, "missing_dependency") {
		t.Errorf("that the deployment has failed is described as %q, want missing_dependency there", said)
	}
	restarted := m.firstRestart()
	for _, n := range []news{running, failed, looping} {
		t.Logf("%s came %.1f s after systemd's first restart: %s", n.Labels["alertname"], n.at.Sub(restarted).Seconds(), n.Annotations["description"])
	}
	a.keepsQuiet("PostflightServiceDown", "PostflightCrashLooping")

	t.Log("mended, and restarted by hand")
	m.putBackJWT()
	m.Exec("systemctl", "restart", service)
	mended := time.Now()
	a.tells("nobody", "firing PostflightVerificationRunning")
	a.tells("pager", "resolved PostflightVerificationFailed")
	a.tells("nobody", "resolved PostflightVerificationRunning")
	calm := a.tells("pager", "resolved PostflightCrashLooping")
	t.Logf("the crash loop was over %.0f s after the restart by hand", calm.at.Sub(mended).Seconds())
	a.tellsNoMore()
}

// alerting is what stands between postflight and those who are woken: Debian's Prometheus and Alertmanager on the machine,
// with the shipped files, and a webhook in the place of a pager.
type alerting struct {
	*machine
	prometheus, alertmanager *http.Client
	told                     map[string]chan news // by receiver

	mu   sync.Mutex
	seen map[string]bool // what was told, which each notification of a group repeats
}

// news is an alert that has begun or ended, as a webhook is told of it.
type news struct {
	Status      string
	Labels      map[string]string
	Annotations map[string]string
	StartsAt    time.Time
	at          time.Time // when it was told
}

// startAlerting starts both with the shipped addresses. Only the waiting is shortened that is of no interest here, and
// what nobody would be told of is told.
func startAlerting(m *machine) *alerting {
	m.t.Helper()
	a := &alerting{
		machine:      m,
		prometheus:   m.forward("ask-prometheus", "127.0.0.1:9090"),
		alertmanager: m.forward("ask-alertmanager", "127.0.0.1:9093"),
		told:         map[string]chan news{"nobody": make(chan news, 100), "team": make(chan news, 100), "pager": make(chan news, 100)},
		seen:         map[string]bool{},
	}
	m.t.Cleanup(a.tellOfFailure)
	a.listen()
	const from = "../../deploy/"
	m.install(from+"prometheus/postflight.rules.yml", "etc/prometheus/postflight.rules.yml", 0o644)
	m.install(from+"prometheus/postflight.alerts.yml", "etc/prometheus/postflight.alerts.yml", 0o644)
	a.installChanged(from+"prometheus/prometheus.yml", "etc/prometheus/prometheus.yml",
		"scrape_interval: 15s", "scrape_interval: 1s",
		"evaluation_interval: 15s", "evaluation_interval: 1s",
		`      - targets: ["127.0.0.1:9876"]`, `      - {targets: ["127.0.0.1:9876"], labels: {service: of-the-scrape}}`)
	a.installChanged(from+"alertmanager/alertmanager.yml", "etc/prometheus/alertmanager.yml", // where Debian's unit looks
		"group_wait: 10s", "group_wait: 1s",
		"group_interval: 1m", "group_interval: 1s",
		"  - name: nobody\n", "  - name: nobody\n    webhook_configs:\n      - url: http://127.0.0.1:9095/nobody\n")
	m.write("etc/default/prometheus-alertmanager", "ARGS=--cluster.listen-address=\n", 0o644) // there is no other network to find peers in
	m.Exec("systemctl", "start", "prometheus", "prometheus-alertmanager")
	return a
}

// listen has the shipped receivers' address lead to the test.
func (a *alerting) listen() {
	a.t.Helper()
	const socket = "run/webhook.sock"
	listener, err := net.Listen("unix", a.path(socket))
	if err != nil {
		a.t.Fatal(err)
	}
	webhook := httptest.NewUnstartedServer(a)
	webhook.Listener.Close()
	webhook.Listener = listener
	webhook.Start()
	a.t.Cleanup(webhook.Close)
	a.WriteUnit("webhook.socket", "[Socket]\nListenStream=127.0.0.1:9095\n")
	a.WriteUnit("webhook.service", "[Service]\nExecStart=/lib/systemd/systemd-socket-proxyd /"+socket+"\n")
	a.Exec("systemctl", "start", "webhook.socket")
}

func (a *alerting) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	now := time.Now()
	var notification struct {
		Receiver string
		Alerts   []news
	}
	if err := json.NewDecoder(r.Body).Decode(&notification); err != nil {
		a.t.Errorf("%s: %v", r.URL, err)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, n := range notification.Alerts {
		if key := fmt.Sprint(notification.Receiver, n.Status, n.Labels, n.StartsAt); !a.seen[key] {
			a.seen[key], n.at = true, now
			a.told[notification.Receiver] <- n
		}
	}
}

// installChanged installs a shipped file in which texts are replaced. Each has to be there, and once only.
func (a *alerting) installChanged(from, to string, changes ...string) {
	a.t.Helper()
	shipped, err := os.ReadFile(from)
	if err != nil {
		a.t.Fatal(err)
	}
	for change := range slices.Chunk(changes, 2) {
		if n := strings.Count(string(shipped), change[0]); n != 1 {
			a.t.Fatalf("%s has %q %d times, want once", from, change[0], n)
		}
	}
	a.write(to, strings.NewReplacer(changes...).Replace(string(shipped)), 0o644)
}

// shows waits until a query finds so many series.
func (a *alerting) shows(want int, query string) {
	a.t.Helper()
	a.waits(func() error {
		var answer struct {
			Data struct{ Result []any }
		}
		err := get(a.prometheus, "/api/v1/query?"+url.Values{"query": {query}}.Encode(), &answer)
		if found := answer.Data.Result; err == nil && len(found) != want {
			err = fmt.Errorf("%s: %d series, want %d: %v", query, len(found), want, found)
		}
		return err
	})
}

// tells waits for the next thing that a receiver is told of. It has to be this.
func (a *alerting) tells(receiver, want string) news {
	a.t.Helper()
	select {
	case n := <-a.told[receiver]:
		if got := n.Status + " " + n.Labels["alertname"]; got != want || n.Labels["service"] != service {
			a.t.Fatalf("%s is told: %s of %s, want %s of %s", receiver, got, n.Labels["service"], want, service)
		}
		return n
	case <-time.After(longPatience):
		a.t.Fatalf("after %v %s has not been told: %s", longPatience, receiver, want)
		return news{}
	}
}

// tellsNoMore waits until nothing is wrong any more, and looks for what was told besides.
func (a *alerting) tellsNoMore() {
	a.t.Helper()
	a.waits(func() error {
		if left, err := a.alerts(); err != nil || len(left) > 0 {
			return fmt.Errorf("alerts %v, %v, want none", left, err)
		}
		return nil
	})
	for receiver, told := range a.told {
		for len(told) > 0 {
			n := <-told
			a.t.Errorf("%s is told: %s %v", receiver, n.Status, n.Labels)
		}
	}
}

// alert is one that Alertmanager knows of, whether it tells anybody or not.
type alert struct {
	Fingerprint string
	Labels      map[string]string
	Status      struct {
		State       string
		InhibitedBy []string
	}
}

func (a *alerting) alerts() ([]alert, error) {
	var all []alert
	err := get(a.alertmanager, "/api/v2/alerts", &all)
	return all, err
}

// keepsQuiet waits until an alert fires of which nobody is told, for the sake of another one.
func (a *alerting) keepsQuiet(quiet, source string) {
	a.t.Helper()
	a.waits(func() error {
		all, err := a.alerts()
		known := map[string]alert{}
		for _, one := range all {
			known[one.Labels["alertname"]] = one
		}
		if got := known[quiet].Status; err != nil || got.State != "suppressed" || !slices.Equal(got.InhibitedBy, []string{known[source].Fingerprint}) {
			return fmt.Errorf("%s is %+v, want that it is suppressed for %s; there are %v, %v", quiet, got, source, all, err)
		}
		return nil
	})
}

func (a *alerting) waits(satisfied func() error) {
	a.t.Helper()
	poll := time.NewTicker(500 * time.Millisecond)
	defer poll.Stop()
	for deadline := time.Now().Add(longPatience); ; <-poll.C {
		err := satisfied()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			a.t.Fatalf("still not so after %v: %v", longPatience, err)
		}
	}
}

func (a *alerting) tellOfFailure() {
	if a.t.Failed() {
		a.t.Log(a.Exec("journalctl", "--no-pager", "-n", "60", "-u", "prometheus", "-u", "prometheus-alertmanager", "-u", "webhook"))
	}
}

// firstRestart is when systemd scheduled the first automatic restart of the backend, by its journal.
func (m *machine) firstRestart() time.Time {
	m.t.Helper()
	m.Exec("journalctl", "--sync")
	const restartScheduled = "MESSAGE_ID=5eb03494b6584870a536b337290809b3"
	log := m.Exec("journalctl", "-q", "-u", unit, "-o", "short-unix", restartScheduled)
	first, _, _ := strings.Cut(log, " ")
	seconds, err := strconv.ParseFloat(first, 64)
	if err != nil {
		m.t.Fatalf("the journal's first restart: %v\n%s", err, log)
	}
	return time.UnixMicro(int64(seconds * 1e6))
}

func get(client *http.Client, path string, into any) error {
	resp, err := client.Get("http://inside" + path)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", path, resp.Status)
	}
	return json.NewDecoder(resp.Body).Decode(into)
}
