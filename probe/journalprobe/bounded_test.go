package journalprobe_test

import (
	"runtime"
	"strconv"
	"strings"
	"testing"
)

func TestMemoryIsBoundedWhateverComes(t *testing.T) {
	head := strings.TrimSuffix(entry(1, ""), `","_PID":"7"}`)
	head, _, _ = strings.Cut(head, `"MESSAGE":"`)
	for _, tc := range []struct {
		name  string
		show  string
		lines uint64
	}{
		{"an entry of 100 MB", `printf '%s' '` + head + `"MESSAGE":"'; head -c 100000000 /dev/zero | tr '\0' x; echo '"}'`, 1},
		{"many lines in an entry", `printf '%s' '` + head + `"MESSAGE":"'; yes 'x\n' | head -c 30000000 | tr -d '\n'; echo 'x"}'`, 7_500_001},
		{"an array of 20 MB", `printf '%s' '` + head + `"MESSAGE":[1'; yes ,10 | head -c 20000000 | tr -d '\n'; echo ']}'`, 5_000_000},
		{"another field of 100 MB", `printf '%s' '` + head + `"UNIT":"'; head -c 100000000 /dev/zero | tr '\0' x; echo '"}'`, 1},
		{"100 MB that are nothing", `head -c 100000000 /dev/zero; echo; echo '` + entry(1, "") + `'`, 1},
		{"100,000 entries", `yes '` + entry(1, "good morning") + `' | head -n 100000`, 100_000},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			w := fake{show: tc.show}.watch(t)
			log := w.lines("app.service", tc.lines)
			w.stop()
			runtime.ReadMemStats(&after)
			if log.Lines != tc.lines {
				t.Errorf("%d lines, want %d", log.Lines, tc.lines)
			}
			if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 4<<20 {
				t.Errorf("%d bytes were allocated in all", allocated)
			}
		})
	}
}

func TestMuchToTellIsToldInPieces(t *testing.T) {
	const lines = 5000
	w := fake{show: `for i in $(seq ` + strconv.Itoa(lines) + `); do printf '` + strings.Replace(entry(1, "number %d"), "%", "%", 1) + `\n' $i; done`}.watch(t)
	log := w.lines("app.service", lines)
	w.stop()
	eachOnce(t, log, lines)
	for _, r := range w.told() {
		if len(r.Log.Matches) > 200 {
			t.Errorf("%d matches in one result", len(r.Log.Matches))
		}
	}
}
