package app

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"

	"postflight/internal/config"
	"postflight/internal/deployment"
	"postflight/internal/hook"
	"postflight/internal/verdict"
	"postflight/probe"
)

// changing is a backend whose answers the test changes.
type changing struct{ status atomic.Int64 }

func (c *changing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch status := int(c.status.Load()); status {
	case 0:
		healthy(w, r)
	case gone:
		panic(http.ErrAbortHandler)
	default:
		w.WriteHeader(status)
	}
}

// gone stands for no answer.
const gone = -1

const soon = `verification: {settle_timeout: 2s, window: 1s, interval: 100ms, consecutive: 3`

// daemonOf starts a daemon with a state file, whose API takes the token "secret".
func daemonOf(t *testing.T, c *config.Config, state string, w probe.Watcher) (d *Daemon, url string, stop func() error) {
	t.Helper()
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	return startWith(t, ServeOptions{
		Config: c, Load: func() (*config.Config, error) { return c, nil }, Log: zap.NewNop(),
		ListenAddresses: []string{"127.0.0.1:0"}, APITokenFile: token, StateFile: state, Watcher: w,
	})
}

// ask asks the API, and takes what it answers for a deployment.
func ask(t *testing.T, method, url, body string) (doc verdict.Document) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer secret")
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&doc); err != nil || response.StatusCode >= 300 {
		t.Fatalf("%s %s: %s, %v", method, url, response.Status, err)
	}
	return doc
}

// decided waits until a deployment is, and its rollback is over.
func decided(t *testing.T, url, id string) verdict.Document {
	t.Helper()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		doc := ask(t, http.MethodGet, url+"/api/v1/deployments/"+id, "")
		if doc.State.Decided() && doc.Rollback.State != verdict.RollbackRunning {
			return doc
		}
		select {
		case <-again.C:
		case <-t.Context().Done():
			t.Fatal("it was never decided")
		}
	}
}

func TestADeploymentIsAnnouncedAndFollowed(t *testing.T) {
	t.Parallel()
	_, url, stop := daemonOf(t, parse(t, `services: [{name: proxy, targets: [%q], checks: [{use: health}], `+soon+`}}]`, backend(t, healthy)), "", nil)
	doc := ask(t, http.MethodPost, url+"/api/v1/deployments", `{"service": "proxy", "release": "2"}`)
	if doc.State != verdict.Settling || doc.Source != verdict.API || doc.Release != "2" {
		t.Errorf("%+v", doc)
	}
	if again := ask(t, http.MethodPost, url+"/api/v1/deployments", `{"service": "proxy", "release": "2"}`); again.ID != doc.ID {
		t.Errorf("announced again it is %s, not %s", again.ID, doc.ID)
	}
	if types := streamed(t, url, doc.ID); types != "state check state state verdict" {
		t.Errorf("followed: %s", types)
	}
	if doc := decided(t, url, doc.ID); doc.Verdict != verdict.Passed {
		t.Errorf("%+v", doc)
	}
	await(t, url+"/metrics", `postflight_verification_state{service="proxy",state="passed"} 1`)
	await(t, url+"/metrics", `postflight_deployments_total{service="proxy",source="api"} 1`)

	running := ask(t, http.MethodPost, url+"/api/v1/deployments", `{"service": "proxy", "release": "3"}`)
	followed := make(chan string)
	go func() { followed <- streamed(t, url, running.ID) }()
	before := time.Now()
	if err := stop(); err != nil {
		t.Error(err)
	}
	if types := <-followed; strings.Contains(types, "verdict") {
		t.Errorf("the daemon was stopped, and a verdict told: %s", types)
	}
	if took := time.Since(before); took > 2*time.Second {
		t.Errorf("with somebody following stopping took %v", took)
	}
}

// until returns when something is so.
func until(is func() bool) {
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for !is() {
		<-again.C
	}
}

// streamed follows a deployment to the end of the stream, and returns the events' types.
func streamed(t *testing.T, url, id string) string {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get(url + "/api/v1/deployments/" + id + "/events")
	if err != nil {
		return err.Error()
	}
	defer response.Body.Close()
	var types []string
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		if kind, is := strings.CutPrefix(lines.Text(), "event: "); is {
			types = append(types, kind)
		}
	}
	return strings.Join(types, " ")
}

// A daemon ends in the middle of a window, and the next one goes on with the same deployment. After its verdict the hook
// runs once, however often a daemon is started.
func TestADeploymentOutlivesTheDaemon(t *testing.T) {
	t.Parallel()
	var b changing
	file, ran := filepath.Join(t.TempDir(), "state.json"), filepath.Join(t.TempDir(), "ran")
	c := parse(t, `services: [{name: proxy, targets: [%q], checks: [{use: health}], `+soon+`,
  on_failure: {command: [/bin/sh, -c, %q]}}}]`, backend(t, b.ServeHTTP), `echo "$POSTFLIGHT_CAUSE" >>`+ran)
	_, url, stop := daemonOf(t, c, file, nil)
	id := ask(t, http.MethodPost, url+"/api/v1/deployments", `{"service": "proxy", "release": "2"}`).ID
	await(t, url+"/api/v1/deployments/"+id, `"observing"`)
	if err := stop(); err != nil {
		t.Error(err)
	}
	b.status.Store(http.StatusInternalServerError)
	for range 2 {
		_, url, stop = daemonOf(t, c, file, nil)
		doc := decided(t, url, id)
		if doc.Verdict != verdict.Failed || doc.Rollback.State != verdict.RollbackFailed || !strings.Contains(fmt.Sprint(doc.Notes), "did not look") {
			t.Errorf("%s, notes %q, rollback %+v", doc.Verdict, doc.Notes, doc.Rollback)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	}
	if text, _ := os.ReadFile(ran); string(text) != "wrong_status\n" {
		t.Errorf("the hook was run like this: %q", text)
	}
}

// What a rollback starts is not what is announced meanwhile.
func TestNothingIsAnnouncedWhileARollbackRuns(t *testing.T) {
	t.Parallel()
	var b changing
	b.status.Store(http.StatusInternalServerError)
	enough := filepath.Join(t.TempDir(), "enough")
	d, url, _ := daemonOf(t, parse(t, `services: [{name: proxy, targets: [%q], checks: [{use: health}], `+soon+`,
  on_failure: {command: [/bin/sh, -c, %q]}}}]`, backend(t, b.ServeHTTP), "until [ -e "+enough+" ]; do sleep 0.05; done"), "", nil)
	id := ask(t, http.MethodPost, url+"/api/v1/deployments", `{"service": "proxy", "release": "2"}`).ID
	await(t, url+"/api/v1/deployments/"+id, `"running"`)
	announcement := deployment.Announcement{Service: "proxy", Release: "3", Source: verdict.API}
	if _, _, err := d.desk.Announce(announcement); !errors.Is(err, deployment.ErrConflict) || !strings.Contains(err.Error(), id) {
		t.Errorf("announced while the rollback runs: %v", err)
	}
	if err := os.WriteFile(enough, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	decided(t, url, id)
	if _, _, err := d.desk.Announce(announcement); err != nil {
		t.Errorf("announced after it: %v", err)
	}
}

// What is broken before and after is not the release's fault. The service answers nothing at all while another release is
// unpacked: that does not count.
func TestWhatWasBrokenBefore(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		before int
		want   verdict.State
	}{
		{"so it was", http.StatusInternalServerError, verdict.Inconclusive},
		{"all was well", 0, verdict.Failed},
		{"it was broken otherwise, with answers that are no JSON", http.StatusOK, verdict.Failed},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var b changing
			b.status.Store(int64(row.before))
			w := make(units)
			d, url, _ := start(t, parse(t, `
defaults: {schedule: "@every 100ms"}
services: [{name: proxy, targets: [%q], units: [proxy], checks: [{use: health}], `+soon+`}}]
`, backend(t, b.ServeHTTP)), w)
			unit := probe.Unit{LoadState: "loaded", ActiveState: "active", InvocationID: "a", ActiveEnter: time.Now()}
			read := func() {
				seen := unit
				w <- probe.Result{Key: probe.Key{Service: "proxy", Unit: "proxy.service"}, Start: time.Now(), Unit: &seen}
			}
			read()
			lastly := func(status int) { // has the check find this
				b.status.Store(int64(status))
				before := time.Now()
				until(func() bool {
					last := d.Store().Snapshot(time.Now()).Services[0].Checks[0].Last
					return last.Start.After(before) && (last.Status == max(status, 0) || status == 0 && last.Outcome == probe.Pass)
				})
			}
			lastly(row.before)
			unit.ActiveState, unit.ExecMainCode, unit.ExecMainExit = "inactive", 1, time.Now()
			read()
			lastly(gone)
			b.status.Store(http.StatusInternalServerError)
			unit.ActiveState, unit.ExecMainCode, unit.InvocationID, unit.ActiveEnter = "active", 0, "b", time.Now()
			read()
			await(t, url+"/api/v1/deployments", `"detected"`)
			for _, known := range d.Store().Snapshot(time.Now()).Services[0].Deployments.History {
				doc := decided(t, url, known.ID)
				if doc.Source != verdict.Detected || doc.Verdict != row.want {
					t.Errorf("%s %s %s, want %s:\n%s", doc.Source, doc.Verdict, doc.Reason, row.want, doc.Text())
				}
			}
		})
	}
}

// Where no unit tells that a service was stopped for the deployment, that nothing answered before says nothing.
func TestWhatWasBrokenBeforeWithoutAUnit(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		status int // before and after
		want   verdict.State
	}{
		{"it answered, and not well", http.StatusInternalServerError, verdict.Inconclusive},
		{"a proxy answered for it", http.StatusBadGateway, verdict.Failed},
		{"nothing answered", gone, verdict.Failed},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var b changing
			b.status.Store(int64(row.status))
			_, url, _ := daemonOf(t, parse(t, `
defaults: {schedule: "@every 100ms"}
services: [{name: proxy, targets: [%q], checks: [{use: health}], `+soon+`}}]
`, backend(t, b.ServeHTTP)), "", nil)
			await(t, url+"/api/v1/status", `"outcome":"fail"`)
			doc := decided(t, url, ask(t, http.MethodPost, url+"/api/v1/deployments", `{"service": "proxy", "release": "2"}`).ID)
			if doc.Verdict != row.want {
				t.Errorf("%s %s, want %s:\n%s", doc.Verdict, doc.Reason, row.want, doc.Text())
			}
		})
	}
}

// What verify runs by itself after a failed verdict, and how that ends.
func TestVerifyRollsBack(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		script string
		mends  bool
		ended  bool // by a signal, while it runs
		want   verdict.RollbackState
	}{
		{"and the service is well", "true", true, false, verdict.RollbackSucceeded},
		{"and nothing is mended", "true", false, false, verdict.RollbackFailed},
		{"in vain", "exit 1", false, false, verdict.RollbackFailed},
		{"until it is ended", "sleep 600", false, true, verdict.RollbackInterrupted},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var b changing
			b.status.Store(http.StatusInternalServerError)
			ran := filepath.Join(t.TempDir(), "ran")
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			done := make(chan struct{})
			go func() {
				defer close(done)
				until(func() bool {
					_, err := os.Stat(ran)
					return err == nil || ctx.Err() != nil
				})
				if row.mends {
					b.status.Store(0)
				}
				if row.ended {
					cancel()
				}
			}()
			policy := quick
			policy.SettleTimeout = time.Second
			doc, err := Verify(ctx, VerifyOptions{Config: parse(t, `services: [{name: proxy, targets: [%q], checks: [{use: health}]}]`, backend(t, b.ServeHTTP)), Log: zap.NewNop()},
				Deployment{
					Service: "proxy", Release: "2", Policy: policy,
					OnFailure: &hook.Hook{Command: []string{"/bin/sh", "-c", "echo >" + ran + "; " + row.script}, Timeout: time.Minute, On: []string{verdict.CLI}},
				})
			if err != nil {
				t.Fatal(err)
			}
			if doc.Verdict != verdict.Failed || doc.Rollback.State != row.want {
				t.Errorf("%s, rollback %+v", doc.Verdict, doc.Rollback)
			}
			cancel()
			<-done
		})
	}
}
