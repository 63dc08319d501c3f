package journalprobe_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"postflight/probe"
	"postflight/probe/journalprobe"
)

// fake is a journalctl that is three scripts: what it does when it is asked for a place, to show what there is, and to
// follow. Between two runs it may remember things in files of $dir.
type fake struct{ look, show, follow string }

// Of each script what suffices.
const (
	atTail  = `echo "-- cursor: $tail"`
	nothing = `:`
	forever = `exec sleep 1000`
)

func (f fake) program(t testing.TB) string {
	def := func(script, usual string) string {
		if script == "" {
			return usual
		}
		return script
	}
	return executable(t, fmt.Sprintf(`dir=%s tail='%s'
case "$*" in
*--show-cursor*) %s ;;
*--follow*) %s ;;
*) %s ;;
esac`, t.TempDir(), cursor(0), def(f.look, atTail), def(f.follow, forever), def(f.show, nothing)))
}

// cursor is that of an entry of the fake journal.
func cursor(n int) string {
	return fmt.Sprintf("s=a;i=%x;b=c;m=%x;t=%x;x=0", n+1, n, 1_800_000_000_000_000+n)
}

// show is a script that shows entries of app.service.
func show(entries ...string) string { return "cat <<'END'\n" + strings.Join(entries, "\n") + "\nEND\n" }

// entry is the n-th entry of the fake journal, of app.service.
func entry(n int, message string) string {
	return fmt.Sprintf(`{"__CURSOR":%q,"__REALTIME_TIMESTAMP":"%d","_SYSTEMD_UNIT":"app.service","MESSAGE":%q,"_PID":"7"}`,
		cursor(n), 1_800_000_000_000_000+n, message)
}

func (f fake) watch(t testing.TB) *watched {
	return watch(t, journalprobe.Options{Units: keys("app.service"), Journalctl: f.program(t), Patterns: compile(t, numbered)})
}

func TestWhyALogCannotBeRead(t *testing.T) {
	const hint = "Hint: You are currently not seeing messages from other users and the system.\n      Users in groups 'adm'…\n"
	for _, tc := range []struct {
		name string
		fake fake
		want string
	}{
		{"it is refused", fake{look: "echo No journal files were opened due to insufficient permissions. >&2; exit 1"}, "not allowed to read the journal"},
		{"only one's own is seen", fake{look: "echo \"" + hint + "\" >&2; " + atTail}, "not allowed to read the journal"},
		{"there is none", fake{look: "echo No journal files were found. >&2; echo -- No entries --"}, "there is no journal"},
		{"another complaint", fake{look: "echo before; echo Failed to open files: Too many open files >&2; exit 1"}, "journalctl: Failed to open files: Too many open files"},
		{"it is killed at once", fake{look: "kill -KILL $$"}, "journalctl was ended by a signal: signal: killed"},
		{"it is killed while it shows", fake{show: "kill -KILL $$"}, "journalctl was ended by a signal: signal: killed"},
		{"it complains while it shows", fake{show: "echo Bad message >&2; exit 1"}, "journalctl: Bad message"},
		{"it stops following", fake{follow: "exit 0"}, "journalctl no longer follows the journal"},
		{"it stops following and says why", fake{follow: "echo no more space >&2; exit 1"}, "journalctl: no more space"},
		{"it says very much", fake{follow: "yes 'so much to say' | head -c 10000000 >&2; echo >&2; echo this is the end >&2; exit 1"}, "journalctl: this is the end"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := tc.fake.watch(t).blind("app.service"); got != tc.want && !strings.HasPrefix(got, tc.want+":") {
				t.Errorf("it says %q, want %q", got, tc.want)
			}
		})
	}
}

func TestWithoutJournalctl(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	w := watch(t, journalprobe.Options{Units: keys("app.service")})
	if got := w.blind("app.service"); !strings.HasPrefix(got, "there is no journalctl here to read the journal with") {
		t.Errorf("it says %q", got)
	}
}

func TestWithoutUnitsNothingIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // in which nobody could wait for journalctl
		w := journalprobe.New(journalprobe.Options{Journalctl: fake{}.program(t)})
		ctx, cancel := context.WithCancel(t.Context())
		done := false
		go func() {
			if err := w.Watch(ctx, func(r probe.Result) { t.Errorf("told: %+v", r) }); err != nil {
				t.Error(err)
			}
			done = true
		}()
		synctest.Wait()
		cancel()
		synctest.Wait()
		if !done {
			t.Error("Watch did not return after its context had ended")
		}
	})
}

func TestAQuietUnitCanBeRead(t *testing.T) {
	w := fake{}.watch(t).following("app.service")
	w.stop()
	results := w.told()
	if len(results) != 1 || results[0].Log == nil || !cmp.Equal(*results[0].Log, probe.Log{}) || results[0].Start.IsZero() {
		t.Errorf("told: %+v", results)
	}
	if w.position() != cursor(0) {
		t.Errorf("the journal has been read up to %q, want its end, %q", w.position(), cursor(0))
	}
}

func TestItTriesAgainUntilItWorks(t *testing.T) {
	w := fake{
		look: `echo >> $dir/looks; [ $(wc -l < $dir/looks) -gt 3 ] || exec kill -KILL $$; ` + atTail,
		show: show(entry(1, "number 1")),
	}.watch(t)
	log := w.lines("app.service", 1)
	w.following("app.service").stop()
	eachOnce(t, log, 1)
	if blind := blindOf(w.told(), "app.service"); len(blind) != 3 {
		t.Errorf("%d times it was told that the log cannot be read, want once an attempt, 3 times", len(blind))
	}
}

// What goes wrong for a moment says nothing about the cursor.
func TestACursorIsKeptWhileNothingCanBeRead(t *testing.T) {
	for name, trouble := range map[string]string{
		"it is killed":      "kill -KILL $$",
		"it has no room":    "echo Failed to open files: Too many open files >&2; exit 1",
		"it is not allowed": "echo No journal files were opened due to insufficient permissions. >&2; exit 1",
	} {
		t.Run(name, func(t *testing.T) {
			f := fake{
				look: `echo >> $dir/looks; if [ $(wc -l < $dir/looks) -le 2 ]; then ` + trouble + `; fi
case "$*" in *--cursor="` + cursor(5) + `"*) echo "-- cursor: ` + cursor(5) + `" ;; *) ` + atTail + ` ;; esac`,
				show: show(entry(5, "number 0"), entry(6, "number 1")),
			}
			w := watch(t, journalprobe.Options{
				Units: keys("app.service"), Journalctl: f.program(t), Patterns: compile(t, numbered), Cursor: cursor(5),
			})
			eachOnce(t, w.lines("app.service", 1), 1)
			if blind := blindOf(w.told(), "app.service"); len(blind) != 2 || strings.Contains(blind[1].Got, "reading stopped") {
				t.Errorf("it was told: %+v", blind)
			}
		})
	}
}

// A cursor that is refused all of a sudden is no reason to begin anew.
func TestItGoesOnAfterTheLastEntryEvenWithoutACursor(t *testing.T) {
	w := fake{
		look: `case "$*" in
*--cursor=*) echo "Failed to seek to cursor: Invalid argument" >&2; exit 1 ;;
*) [ -e $dir/died ] && echo "-- No entries --" || { ` + atTail + `; } ;;
esac`,
		show:   `case "$*" in *--since=@1800000000.000003*) ` + show(entry(3, "number 3")) + ` ;; esac`,
		follow: `[ ! -e $dir/died ] || exec sleep 1000; touch $dir/died; ` + show(entry(1, "number 1"), entry(2, "number 2")),
	}.watch(t)
	eachOnce(t, w.lines("app.service", 3), 3)
	blind := blindOf(w.told(), "app.service")
	if last := blind[len(blind)-1].Got; !strings.Contains(last, "the place where reading stopped at 2027-01-15") {
		t.Errorf("it was told: %q", last)
	}
}

func TestWhatTheJournalNoLongerHolds(t *testing.T) {
	for _, tc := range []struct {
		name  string
		found string // by journalctl in the cursor's stead
		lost  int    // how often it was told that entries may have been missed
	}{
		{"the entry itself is there", cursor(5), 0},
		{"the next one is there: none is missing", cursor(6), 0},
		{"the next but one", cursor(7), 1},
		{"of another sequence", strings.Replace(cursor(6), "s=a", "s=b", 1), 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f := fake{look: `echo "-- cursor: ` + tc.found + `"`}
			w := watch(t, journalprobe.Options{Units: keys("app.service"), Journalctl: f.program(t), Cursor: cursor(5)})
			w.following("app.service").stop()
			if blind := blindOf(w.told(), "app.service"); len(blind) != tc.lost {
				t.Errorf("told: %+v", blind)
			}
			if w.position() != tc.found {
				t.Errorf("the journal has been read up to %q, want %q", w.position(), tc.found)
			}
		})
	}
}

func TestAnEntryThatWasCutIsReadAgain(t *testing.T) {
	half := entry(3, "number 3")
	w := fake{
		look:   `case "$*" in *--cursor=*) echo "-- cursor: ` + cursor(2) + `" ;; *) ` + atTail + ` ;; esac`,
		show:   `[ -e $dir/cut ] || exit 0; ` + show(entry(2, "number 2"), entry(3, "number 3")),
		follow: `[ ! -e $dir/cut ] || exec sleep 1000; touch $dir/cut; ` + show(entry(1, "number 1"), "-- a word in between --", entry(2, "number 2")) + `printf '%s' '` + half[:len(half)/2] + `'; kill -KILL $$`,
	}.watch(t)
	log := w.lines("app.service", 3)
	w.stop()
	eachOnce(t, log, 3)
}

func TestHowJournalctlIsAsked(t *testing.T) {
	t.Setenv("SYSTEMD_LOG_LEVEL", "debug")
	dir := t.TempDir()
	f := fake{
		look:   "export -p > " + dir + "/env; " + atTail,
		show:   `printf '%s\n' "$@" > ` + dir + "/show",
		follow: `printf '%s\n' "$@" > ` + dir + "/follow; touch " + dir + "/done; " + forever,
	}
	w := watch(t, journalprobe.Options{Units: append(keys("b.service", "a.service"), probe.Key{Service: "other", Unit: "a.service"}), Journalctl: f.program(t)})
	w.following("a.service")
	for {
		if _, err := os.Stat(dir + "/done"); err == nil {
			break
		}
	}
	common := []string{
		"--no-pager", "--quiet", "--all", "--output=json",
		"--output-fields=MESSAGE,MESSAGE_ID,_PID,_TRANSPORT,_SYSTEMD_UNIT,UNIT,OBJECT_SYSTEMD_UNIT,INVOCATION_ID,N_RESTARTS,COMMAND,EXIT_CODE,EXIT_STATUS,UNIT_RESULT,N_DROPPED,_SOURCE_REALTIME_TIMESTAMP",
		"--cursor=" + cursor(0), "--unit=a.service", "--unit=b.service",
	}
	if diff := cmp.Diff(common, strings.Fields(read(t, dir+"/show"))); diff != "" {
		t.Errorf("to show: %s", diff)
	}
	if diff := cmp.Diff(slices.Concat([]string{"--follow", "--no-tail"}, common), strings.Fields(read(t, dir+"/follow"))); diff != "" {
		t.Errorf("to follow: %s", diff)
	}
	if env := read(t, dir+"/env"); strings.Contains(env, "SYSTEMD_LOG_LEVEL") || !strings.Contains(env, `LC_ALL="C"`) {
		t.Errorf("the environment: %s", env)
	}
}

func TestNothingIsLeftOfJournalctl(t *testing.T) {
	dir := t.TempDir()
	w := fake{follow: `sleep 1000 & echo $! > ` + dir + `/new; mv ` + dir + `/new ` + dir + `/pid; ` + show(entry(1, "number 1")) + `wait`}.watch(t)
	w.lines("app.service", 1)
	w.stop()
	pid, err := strconv.Atoi(strings.TrimSpace(read(t, dir+"/pid")))
	if err != nil {
		t.Fatal(err)
	}
	for stat := ""; !strings.Contains(stat, ") Z"); { // dying takes a moment
		text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
		if err != nil {
			return
		}
		if syscall.Kill(pid, 0) != nil {
			return
		}
		stat = string(text)
	}
}
