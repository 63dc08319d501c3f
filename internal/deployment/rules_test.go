package deployment_test

import (
	"testing"
	"testing/synctest"
	"time"

	"postflight/internal/deployment"
	"postflight/internal/state"
	"postflight/internal/verdict"
	"postflight/probe"
)

// What is one deployment, and what is another one. A verification of a service that is well passes after 31 s; where a
// start by hand began it anew, so long after that.
func TestOneDeploymentOneVerification(t *testing.T) {
	const release = deployment.DetectRelease
	for _, row := range []struct {
		name   string
		detect deployment.Detect // empty: restart
		story  func(h *host)
		want   string
	}{
		{"nothing happens", "", func(h *host) {}, ""},
		{"announced", "", func(h *host) { h.announce("2") }, "api 2 passed"},
		{"announced without a release", "", func(h *host) { h.release("1"); h.announce("") }, "api 1 passed"},
		{"announced twice", "", func(h *host) { h.announce("2"); h.announce("2") }, "api 2 passed"},
		{"announced twice, once without a release", "", func(h *host) { h.announce("2"); h.announce("") }, "api 2 passed"},
		{"announced without a release, and then with one", "", func(h *host) { h.announce(""); h.announce("2") }, "api 2 passed"},
		{"two releases at once", "", func(h *host) { h.announce("2"); h.announce("3") }, "api 2 inconclusive superseded; api 3 passed"},
		{"announced again once it is decided", "", func(h *host) { h.announce("2"); h.settle(); h.announce("2") }, "api 2 passed; api 2 passed"},
		{"announced, then started", "", func(h *host) { h.announce("2"); time.Sleep(5 * time.Second); h.start() }, "api 2 passed"},
		{"announced, decided, then started in time", "",
			func(h *host) { h.announce("2"); time.Sleep(50 * time.Second); h.start() }, "api 2 passed"},
		{"announced, decided, then started too late", "",
			func(h *host) { h.release("2"); h.announce("2"); time.Sleep(70 * time.Second); h.start() }, "api 2 passed; detected 2 passed"},
		{"started", "", func(h *host) { h.start() }, "detected passed"},
		{"started, after it has run for long", "", func(h *host) { h.settle(); h.start() }, "detected passed"},
		{"started, then announced", "", func(h *host) { h.start(); time.Sleep(time.Second); h.announce("2") }, "api 2 passed"},
		{"started, and announced when that is long ago", "",
			func(h *host) {
				h.answers(probe.Fail)
				h.start()
				time.Sleep(50 * time.Second)
				h.answers(probe.Pass)
				time.Sleep(15 * time.Second)
				h.announce("2")
			},
			"detected inconclusive superseded; api 2 passed"},
		{"started twice, one after the other", "", func(h *host) { h.start(); time.Sleep(5 * time.Second); h.start() }, "detected passed"},
		{"two units started together", "",
			func(h *host) { h.read(proxy, "active", state.Manual); h.read(worker, "active", state.Manual) }, "detected passed"},
		{"started again, too late for the first", "",
			func(h *host) {
				h.answers(probe.Fail)
				h.start()
				time.Sleep(59 * time.Second)
				h.start()
				h.answers(probe.Pass)
				time.Sleep(70 * time.Second)
				h.start()
			},
			"detected passed; detected passed"},
		{"started when the announced one no longer waits for it", "",
			func(h *host) {
				h.answers(probe.Fail)
				h.announce("2")
				time.Sleep(time.Second)
				h.start()
				time.Sleep(40 * time.Second)
				h.answers(probe.Pass)
				time.Sleep(25 * time.Second)
				h.start()
			}, "api 2 inconclusive superseded; detected passed"},
		{"a boot", "", func(h *host) { h.read(proxy, "active", state.Boot) }, ""},
		{"a crash", "", func(h *host) { h.read(proxy, "active", state.Automatic) }, ""},
		{"a crash two minutes after a passed verdict", "",
			func(h *host) { h.announce("2"); time.Sleep(3 * time.Minute); h.read(proxy, "active", state.Automatic) }, "api 2 passed"},
		{"another release, where starts count", "", func(h *host) { h.release("1"); h.release("2") }, ""},
		{"started, and another release is seen", "", func(h *host) { h.release("1"); h.start(); h.release("2") }, "detected 2 passed"},

		{"the first release that is seen", release, func(h *host) { h.release("1") }, ""},
		{"another release", release, func(h *host) { h.release("1"); h.release("2") }, "detected 2 passed"},
		{"started, where releases count", release, func(h *host) { h.release("1"); h.start() }, ""},
		{"announced, then another release is seen", release, func(h *host) { h.release("1"); h.announce("2"); h.release("2") }, "api 2 passed"},
		{"announced without a release, then another one is seen", release,
			func(h *host) { h.release("1"); h.announce(""); time.Sleep(time.Second); h.release("2") }, "api 2 passed"},
		{"announced, and the release is seen long after", release,
			func(h *host) { h.release("1"); h.announce("2"); h.settle(); h.release("2") }, "api 2 passed"},
		{"announced, and long after yet another release is seen", release,
			func(h *host) { h.release("1"); h.announce("2"); h.settle(); h.release("3") }, "api 2 passed; detected 3 passed"},

		{"nothing counts", deployment.DetectOff, func(h *host) { h.release("1"); h.start(); h.release("2") }, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				rules := deployment.Rules{Detect: row.detect}
				if row.detect == "" {
					rules.Detect = deployment.DetectRestart
				}
				h := newHost(t, rules)
				time.Sleep(5 * time.Second)
				row.story(h)
				h.settle()
				if got := h.history(); got != row.want {
					t.Errorf("got  %s\nwant %s", got, row.want)
				}
				h.stop()
			})
		})
	}
}

// Who announces what was detected says how it is to be verified.
func TestADetectedDeploymentIsVerifiedAsAnnounced(t *testing.T) {
	for _, row := range []struct {
		name  string
		story func(h *host)
		want  string
		took  time.Duration
	}{
		{"that is well", func(h *host) {}, "cli 2 passed", 16 * time.Second},
		{"that had crashed before", func(h *host) { h.read(proxy, "active", state.Automatic) }, "detected failed; cli 2 passed", 14 * time.Second},
		{"that crashes afterwards", func(h *host) {
			go func() {
				time.Sleep(8 * time.Second)
				h.read(proxy, "active", state.Automatic)
			}()
		}, "cli 2 failed", 9 * time.Second},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t, deployment.Rules{Detect: deployment.DetectRestart})
				h.start()
				time.Sleep(time.Second)
				row.story(h)
				time.Sleep(time.Second)
				short := policy
				short.Window = 13 * time.Second
				doc, _, err := h.desk.Announce(deployment.Announcement{Service: "proxy", Release: "2", Source: verdict.CLI, Policy: &short})
				if err != nil {
					t.Fatal(err)
				}
				h.settle()
				if got := h.history(); got != row.want {
					t.Errorf("got  %s\nwant %s", got, row.want)
				}
				doc, err = h.desk.Deployment(doc.ID)
				if took := doc.DecidedAt.Sub(doc.StartedAt).Round(time.Second); err != nil || took != row.took {
					t.Errorf("it took %v, %v; want %v", took, err, row.took)
				}
				if len(doc.Notes) > 0 {
					t.Errorf("notes: %q", doc.Notes)
				}
				h.stop()
			})
		})
	}
}
