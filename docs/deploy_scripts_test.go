package docs

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"postflight/internal/config"
)

// One machine lives through a release that works, one that lacks a module, and one that cannot be unpacked; first without a
// daemon and then with one.
func TestTheScriptsDeployAndRollBack(t *testing.T) {
	scripts := readPage(t, "deploy-scripts.md")
	m := newMachine(t)
	m.write("opt/proxy-system/deploy.sh", scripts.block(t, "sh", "# /opt/proxy-system/deploy.sh"))
	m.write("opt/proxy-system/rollback.sh", scripts.block(t, "sh", "# /opt/proxy-system/rollback.sh"))

	t.Run("a good release passes", func(t *testing.T) {
		m.offer("1.4.1", "PyJWT==2.8.0")
		m.deploys(t, "1.4.1", 0, "proxy-system 1.4.1: PASSED")
		m.runs(t, "1.4.1")
	})
	t.Run("one without a module fails, and is taken back", func(t *testing.T) {
		m.offer("1.4.2")
		m.deploys(t, "1.4.2", 1, "proxy-system 1.4.2: FAILED", "missing_dependency: ", "PyJWT", "rollback: succeeded, command ./rollback.sh", "releases/1.4.1 is back")
		m.runs(t, "1.4.1")
	})
	t.Run("one that cannot be unpacked is taken back, too", func(t *testing.T) {
		m.write("opt/proxy-system/releases/1.4.3.tar.gz", "not an archive")
		m.deploys(t, "1.4.3", 2, "releases/1.4.1 is back")
		m.runs(t, "1.4.1")
	})
	t.Run("the one that runs is refused", func(t *testing.T) {
		m.deploys(t, "1.4.1", 2, "1.4.1 runs already")
		m.runs(t, "1.4.1")
	})

	m.Exec("systemctl", "start", "postflight")
	m.write("opt/proxy-system/deploy.sh", withLastLine(scripts.block(t, "sh", "# /opt/proxy-system/deploy.sh"), scripts.block(t, "sh", "--server unix:")))
	t.Run("over ssh and with a daemon it is one deployment and the verification of its rollback", func(t *testing.T) {
		var workflow struct {
			Jobs struct{ Deploy job }
		}
		parse(t, scripts.block(t, "yaml", "name: deploy"), &workflow)
		workflow.Jobs.Deploy.isShell(t)
		deploy := workflow.Jobs.Deploy.step(t, "Deploy and verify")
		m.does(t, deploy, []string{"HOST=deployer@app.example", "GITHUB_REF_NAME=1.4.2"}, 1, "proxy-system 1.4.2: FAILED", "missing_dependency: ", "rollback: succeeded, command ./rollback.sh")
		m.runs(t, "1.4.1")
		want := []string{"cli passed", "cli failed"}
		if diff := cmp.Diff(want, m.deployments(t)); diff != "" {
			t.Errorf("deployments (-want +got):\n%s", diff)
		}
	})
	t.Run("it can be announced without waiting", func(t *testing.T) {
		m.does(t, "release=1.4.1\n"+scripts.block(t, "sh", "curl -sS --fail-with-body"), nil, 0, `"release":"1.4.1","source":"api"`)
	})
	t.Run("a step asks the API", func(t *testing.T) {
		var other job
		parse(t, scripts.block(t, "yaml", "TOKEN: "), &other)
		other.isShell(t)
		asks := func(token string) []string {
			return []string{"POSTFLIGHT=http://127.0.0.1:9876", "TOKEN=" + token, "GITHUB_REF_NAME=1.4.5"}
		}
		verify := other.step(t, "Verify")
		m.does(t, verify, asks(apiToken), 0, `"verdict":"passed"`)
		m.does(t, verify, asks("another"), 22) // an error, as curl says it
		m.Exec("rm", "/run/systemd/system/proxy-system.service")
		m.Exec("systemctl", "daemon-reload")
		m.Exec("systemctl", "stop", "proxy-system")
		m.does(t, verify, asks(apiToken), 1, `"verdict":"failed"`, "unit_missing")
	})
}

// Of the four exit codes 1 alone is a reason to roll back.
func TestWhoDecidesForThemselvesRollsBackAfterAFailedVerdictOnly(t *testing.T) {
	script := "set -eu\nrelease=1.4.2\n" + readPage(t, "deploy-scripts.md").block(t, "sh", "rc=$?")
	for verdict := range 4 {
		directory := t.TempDir()
		for name, content := range map[string]string{
			"postflight":  "#!/bin/sh\nexit " + strconv.Itoa(verdict) + "\n",
			"rollback.sh": "#!/bin/sh\ntouch rolled-back\n",
		} {
			if err := os.WriteFile(filepath.Join(directory, name), []byte(content), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		cmd := exec.Command("sh", "-c", script)
		cmd.Dir, cmd.Env = directory, append(os.Environ(), "PATH="+directory+":"+os.Getenv("PATH"))
		out, _ := cmd.CombinedOutput() // how it ended is looked at below
		_, err := os.Stat(filepath.Join(directory, "rolled-back"))
		if code := cmd.ProcessState.ExitCode(); code != verdict || (err == nil) != (verdict == 1) {
			t.Errorf("verify ends with %d: the script with %d, rolled back: %v\n%s", verdict, code, err == nil, out)
		}
	}
}

func TestTheConfigurationLoads(t *testing.T) {
	file := filepath.Join(t.TempDir(), "postflight.yml")
	if err := os.WriteFile(file, []byte(readPage(t, "deploy-scripts.md").block(t, "yaml", "on_failure:")), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := config.Load(file); err != nil {
		t.Error(err)
	}
}

// withLastLine is a script with another command at its end.
func withLastLine(script, last string) string {
	before := strings.TrimSuffix(script, "\n")
	return before[:strings.LastIndex(before, "\n")+1] + last
}

// job is one of GitHub Actions.
type job struct {
	Steps []struct{ Name, Run string }
}

// step is what the step of that name runs.
func (j job) step(t *testing.T, name string) string {
	t.Helper()
	for _, step := range j.Steps {
		if step.Name == name && step.Run != "" {
			return step.Run
		}
	}
	t.Fatalf("no step is named %q", name)
	return ""
}

// isShell wants whatever is run to be what bash can read.
func (j job) isShell(t *testing.T) {
	t.Helper()
	for _, step := range j.Steps {
		if out, err := exec.Command("bash", "-n", "-c", step.Run).CombinedOutput(); err != nil {
			t.Errorf("step %q: %v\n%s", step.Name, err, out)
		}
	}
}

func parse(t *testing.T, text string, into any) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(text), into); err != nil {
		t.Fatal(err)
	}
}

// deployments are who announced those that the daemon knows, and the verdicts; the newest first.
func (m *machine) deployments(t *testing.T) []string {
	t.Helper()
	var answer struct {
		Deployments []struct{ Source, Verdict string }
	}
	if err := json.Unmarshal([]byte(m.Exec("curl", "-sS", "http://127.0.0.1:9876/api/v1/deployments")), &answer); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, d := range answer.Deployments {
		all = append(all, d.Source+" "+d.Verdict)
	}
	return all
}
