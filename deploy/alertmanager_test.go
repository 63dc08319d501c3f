package deploy

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAlertmanagerTakesTheConfiguration(t *testing.T) {
	accepts(t, "amtool", "check-config", "alertmanager/alertmanager.yml")
}

func TestAlertsFindTheirReceiver(t *testing.T) {
	for severity, receiver := range map[string]string{"none": "nobody", "critical": "pager", "warning": "team"} {
		accepts(t, "amtool", "config", "routes", "test", "--config.file=alertmanager/alertmanager.yml",
			"--verify.receivers="+receiver, "alertname=Postflight", "severity="+severity)
	}
}

// A name that is misspelt keeps nothing quiet; and some must never be kept quiet.
func TestWhatKeepsWhatQuiet(t *testing.T) {
	severities := map[string][]string{}
	for _, alert := range alerts(t) {
		severities[alert.Alert] = append(severities[alert.Alert], alert.Labels["severity"])
	}
	var shipped struct {
		InhibitRules []struct {
			Source []string `yaml:"source_matchers"`
			Target []string `yaml:"target_matchers"`
			Equal  []string
		} `yaml:"inhibit_rules"`
	}
	decode(t, "alertmanager/alertmanager.yml", &shipped)

	var sources []string
	for _, inhibit := range shipped.InhibitRules {
		source, target := strings.Join(inhibit.Source, " "), strings.Join(inhibit.Target, " ")
		for _, name := range regexp.MustCompile(`Postflight[A-Za-z]+`).FindAllString(source+" "+target, -1) {
			if severities[name] == nil {
				t.Errorf("there is no alert %s", name)
			}
		}
		for _, always := range []string{"PostflightCrashLooping", "PostflightAuthBypassed", "PostflightAbsent", "PostflightRollbackFailed"} {
			if strings.Contains(target, always) || slices.Contains(severities[always], "warning") {
				t.Errorf("%s keeps %s quiet", source, always)
			}
		}
		if !slices.Equal(inhibit.Equal, []string{"job", "instance", "service"}) {
			t.Errorf("%s keeps alerts of something else quiet: equal is %v", source, inhibit.Equal)
		}
		sources = append(sources, source)
	}
	want := []string{`alertname="PostflightCrashLooping"`, `alertname="PostflightServiceDown"`, `alertname="PostflightVerificationRunning"`}
	if diff := cmp.Diff(want, sources); diff != "" {
		t.Errorf("what keeps others quiet (-want +got):\n%s", diff)
	}
}
