package web_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"postflight/internal/state"
	"postflight/internal/verdict"
)

func TestThePageTellsOfDeployments(t *testing.T) {
	begun := func(release string, ago time.Duration) verdict.Document {
		return verdict.Document{
			ID: release, Service: "shop", Release: release, Source: verdict.API, StartedAt: time.Now().Add(-ago), State: verdict.Settling,
			Rollback: verdict.Rollback{State: verdict.NoRollback},
		}
	}
	decided := func(doc verdict.Document, took time.Duration, as verdict.State) verdict.Document {
		doc.State, doc.Verdict, doc.DecidedAt = as, as, doc.StartedAt.Add(took)
		return doc
	}
	because := func(doc verdict.Document, causes ...verdict.Finding) verdict.Document {
		doc.Causes = causes
		return doc
	}
	missing := verdict.Finding{Cause: verdict.MissingDependency, Summary: "shop.service: the module jwt is missing", Hint: "Add PyJWT to the requirements."}
	wrong := verdict.Finding{Cause: verdict.WrongStatus, Summary: "health at http://10.0.0.1:8000: status 500: " + quoted, Hint: "Look at the route."}
	for _, row := range []struct {
		name    string
		history func() []verdict.Document // the oldest first
		want    []string
	}{
		{"none", func() []verdict.Document { return nil }, nil},
		{
			"it settles",
			func() []verdict.Document {
				doc := begun("1.5.0", 12*time.Second)
				doc.Until = time.Now().Add(48 * time.Second)
				return []verdict.Document{doc}
			},
			[]string{"deployments 1.5.0 announced settling for 12 s 48 s to go at most"},
		},
		{
			"it is observed, and its release is not known",
			func() []verdict.Document {
				doc := begun("", 40*time.Second)
				doc.State, doc.Source = verdict.Observing, verdict.Detected
				return []verdict.Document{doc}
			},
			[]string{"release not known detected observing for 40 s"},
		},
		{
			"it has passed",
			func() []verdict.Document {
				return []verdict.Document{decided(begun("1.5.0", time.Hour), 35*time.Second, verdict.Passed)}
			},
			[]string{"1.5.0 announced passed 59 min ago took 35 s"},
		},
		{
			"it has passed, with a warning",
			func() []verdict.Document {
				slow := verdict.Finding{Cause: verdict.Slow, Summary: "health at http://10.0.0.1:8000: right, but slow", Hint: "Look what it waits for.", Severity: verdict.SeverityWarning}
				return []verdict.Document{because(decided(begun("1.5.0", time.Minute), 30*time.Second, verdict.Passed), slow)}
			},
			[]string{"passed slow health at http://10.0.0.1:8000 Look what it waits for. 30 s ago took 30 s"},
		},
		{
			"it has failed, with causes and hints, but without what the backend said",
			func() []verdict.Document {
				return []verdict.Document{because(decided(begun("1.5.0", time.Minute), 4*time.Second, verdict.Failed), missing, wrong)}
			},
			[]string{
				"failed missing_dependency shop.service: the module jwt is missing Add PyJWT to the requirements. " +
					"wrong_status health at http://10.0.0.1:8000 Look at the route. 56 s ago took 4 s",
			},
		},
		{
			"it is inconclusive, for a reason",
			func() []verdict.Document {
				doc := decided(begun("1.5.0", time.Minute), 30*time.Second, verdict.Inconclusive)
				doc.Reason = verdict.Blind
				return []verdict.Document{doc}
			},
			[]string{"inconclusive blind 30 s ago"},
		},
		{
			"postflight did not see all of it",
			func() []verdict.Document {
				doc := decided(begun("1.5.0", time.Minute), 30*time.Second, verdict.Inconclusive)
				doc.Reason, doc.Unseen = verdict.Blind, "the list of http://lists.example has not been read"
				doc.Notes = []string{"postflight did not look from 09:00 to 09:01"}
				return []verdict.Document{doc}
			},
			[]string{"blind Targets may be missing: the list of http://lists.example has not been read postflight did not look from 09:00 to 09:01"},
		},
		{
			"it was taken back, and that is verified",
			func() []verdict.Document {
				first := because(decided(begun("1.5.0", time.Minute), 4*time.Second, verdict.Failed), missing)
				first.Rollback = verdict.Rollback{State: verdict.RollbackRunning, Hook: "unit shop-rollback.service", Output: quoted}
				second := begun("1.4.2", 3*time.Second)
				second.RollbackOf = first.ID
				return []verdict.Document{first, second}
			},
			[]string{
				"1.4.2 after a rollback settling for 3 s 1.5.0 announced failed missing_dependency, rollback running 56 s ago",
			},
		},
		{
			"its rollback",
			func() []verdict.Document {
				doc := because(decided(begun("1.5.0", time.Minute), 4*time.Second, verdict.Failed), missing)
				doc.Rollback = verdict.Rollback{State: verdict.RollbackFailed, Hook: "unit shop-rollback.service", Problem: quoted}
				return []verdict.Document{doc}
			},
			[]string{"rollback failed unit shop-rollback.service"},
		},
		{
			"the last five",
			func() (history []verdict.Document) {
				for _, release := range []string{"r1", "r2", "r3", "r4", "r5", "r6", "r7"} {
					history = append(history, decided(begun(release, time.Hour), time.Minute, verdict.Passed))
				}
				return history
			},
			[]string{"deployments r7 announced", "r3 announced passed 59 min ago took 1 min http://10.0.0.1:8000"},
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				store := shop("health")
				for _, doc := range row.history() {
					store.FoldDeployment(state.Deployment{Document: doc})
				}
				page := text(handler(store))
				for _, want := range row.want {
					if !strings.Contains(page, want) {
						t.Errorf("does not say %q:\n%s", want, page)
					}
				}
				if shows := strings.Contains(page, "deployments"); shows != (len(row.want) > 0) {
					t.Errorf("it shows deployments: %v", shows)
				}
				if strings.Contains(page, quoted) {
					t.Errorf("it says what a backend or a hook said:\n%s", page)
				}
			})
		})
	}
}

func TestThePageSaysThatAServiceIsPaused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := shop("health")
		store.FoldPause("shop", time.Now().Add(10*time.Minute))
		const paused = "shop paused until 2000-01-01 00:10:00 UTC not known"
		if page := text(handler(store)); !strings.Contains(page, paused) {
			t.Errorf("does not say %q:\n%s", paused, page)
		}
		time.Sleep(10 * time.Minute)
		if page := text(handler(store)); strings.Contains(page, "paused") {
			t.Errorf("it says so though the pause is over:\n%s", page)
		}
	})
}

// TestADeploymentIsEscapedOnThePage: a release is named by whoever announces it, and a module by whoever writes the log.
func TestADeploymentIsEscapedOnThePage(t *testing.T) {
	const nasty = `"><script>alert(1)</script>`
	store := shop("health")
	store.FoldDeployment(state.Deployment{Document: verdict.Document{
		ID: "d1", Service: "shop", Release: nasty, StartedAt: time.Now(), State: verdict.Failed, Verdict: verdict.Failed, DecidedAt: time.Now(),
		Causes:   []verdict.Finding{{Cause: nasty, Summary: nasty, Hint: nasty}},
		Rollback: verdict.Rollback{State: verdict.RollbackFailed, Hook: nasty},
	}})
	body := ask(handler(store), "GET", "/").Body.String()
	if strings.Contains(body, "<script") || strings.Count(body, "&lt;script&gt;") != 5 {
		t.Errorf("not escaped, or not there:\n%s", body)
	}
}
