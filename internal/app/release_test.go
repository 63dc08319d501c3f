package app

import (
	"fmt"
	"net/http"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The release that a check or a file names is told, and only the newest.
func TestTheReleaseIsTold(t *testing.T) {
	t.Parallel()
	var version atomic.Value
	version.Store("1.4.1")
	target := backend(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"status": "healthy", "version": %q}`, version.Load())
	})
	f := newFile(t)
	configure := func(release string) {
		f.write(t, `services: [{name: proxy, targets: [%q], release: %s, checks: [{use: health, schedule: "@every 100ms"}]}]`, target, release)
	}
	configure("{check: health, from: body.version}")
	d, page, _ := startOn(t, f, nil, nil)
	told := func(release string) {
		t.Helper()
		want := fmt.Sprintf(`postflight_deployment_info{release=%q,service="proxy"} 1`, release)
		await(t, page+"/metrics", want)
		if diff := cmp.Diff([]string{want}, series(scrape(t, page), "postflight_deployment_info")); diff != "" {
			t.Error(diff)
		}
	}
	told("1.4.1")
	version.Store("1.4.2")
	told("1.4.2")

	named := file(filepath.Join(t.TempDir(), "VERSION"))
	named.write(t, "\n 2.0.0 \nbuilt on a Sunday\n")
	configure(fmt.Sprintf("{file: %q}", named))
	if err := d.Reload(); err != nil {
		t.Fatal(err)
	}
	told("2.0.0")
	named.write(t, "2.0.1")
	told("2.0.1")

	configure("{check: health, from: body.version}")
	if err := d.Reload(); err != nil {
		t.Fatal(err)
	}
	told("1.4.2")
}

func TestAReleaseFileThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		make func(t *testing.T, file string)
		says string
	}{
		{"missing", func(*testing.T, string) {}, "no such file or directory"},
		{"empty", func(t *testing.T, name string) { file(name).write(t, " \n") }, "it is empty"},
		{"a pipe", func(t *testing.T, name string) {
			if err := syscall.Mkfifo(name, 0o600); err != nil {
				t.Fatal(err)
			}
		}, "not a regular file"},
	} {
		t.Run(row.name, func(t *testing.T) {
			name := filepath.Join(t.TempDir(), "VERSION")
			row.make(t, name)
			if release, err := readRelease(name); err == nil || err.Error() != "reading the release: "+name+": "+row.says {
				t.Errorf("got %q and %v, want %s", release, err, row.says)
			}
		})
	}
}
