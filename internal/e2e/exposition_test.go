package e2e

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// patience is how long a test waits for what must come. Some of it takes twice 15 seconds: what the readings guess of a gap
// counts when the journal has had as much time to tell, and the next reading comes.
const patience = 60 * time.Second

// exposition is one scrape: series as they are written, name{label="value"}, with their values.
type exposition struct {
	series map[string]float64
	text   string
}

// scrape reads /metrics. It is an error too if what comes is no valid exposition.
func (m *machine) scrape() (exposition, error) {
	resp, err := m.metrics.Get("http://postflight/metrics")
	if err != nil {
		return exposition{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return exposition{}, err
	}
	if resp.StatusCode != http.StatusOK {
		return exposition{}, fmt.Errorf("/metrics answers %s", resp.Status)
	}
	return parse(string(body))
}

func parse(text string) (exposition, error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		return exposition{}, fmt.Errorf("parsing the exposition: %w", err)
	}
	e := exposition{series: map[string]float64{}, text: text}
	for name, family := range families {
		for _, metric := range family.GetMetric() {
			var labels []string
			for _, l := range metric.GetLabel() {
				labels = append(labels, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
			}
			value := metric.GetGauge().GetValue() + metric.GetCounter().GetValue() + metric.GetUntyped().GetValue()
			if h := metric.GetHistogram(); h != nil {
				value = float64(h.GetSampleCount())
			}
			e.series[name+"{"+strings.Join(labels, ",")+"}"] = value
		}
	}
	return e, nil
}

// a series is asked for by its name and those labels that tell it apart from its siblings: a{check="auth"}.
func (e exposition) value(series string) (float64, error) {
	var found []string
	for s := range e.series {
		if matches(s, series) {
			found = append(found, s)
		}
	}
	switch len(found) {
	case 0:
		return 0, fmt.Errorf("no series %s", series)
	case 1:
		return e.series[found[0]], nil
	default:
		return 0, fmt.Errorf("%s is not one series but %d: %v", series, len(found), found)
	}
}

func matches(series, wanted string) bool {
	name, labels, _ := strings.Cut(strings.TrimSuffix(wanted, "}"), "{")
	if !strings.HasPrefix(series, name+"{") {
		return false
	}
	for label := range strings.SplitSeq(labels, ",") {
		if label != "" && !strings.Contains(series, label) {
			return false
		}
	}
	return true
}

// wants is what a scrape must show: series and values.
type wants map[string]float64

// check says which wants do not hold.
func (e exposition) check(w wants) error {
	var wrong []string
	for series, want := range w {
		if got, err := e.value(series); err != nil {
			wrong = append(wrong, err.Error())
		} else if got != want {
			wrong = append(wrong, fmt.Sprintf("%s is %v, want %v", series, got, want))
		}
	}
	if wrong != nil {
		return fmt.Errorf("%s", strings.Join(wrong, "\n"))
	}
	return nil
}

// must is the value of a series that has to be there.
func (e exposition) must(t testing.TB, series string) float64 {
	t.Helper()
	v, err := e.value(series)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// eventuallyShows scrapes until everything wanted holds in one scrape, and returns that one.
func (m *machine) eventuallyShows(w wants) exposition {
	m.t.Helper()
	return m.eventually(func(e exposition) error { return e.check(w) })
}

// eventually scrapes until satisfied is, and returns that scrape.
func (m *machine) eventually(satisfied func(exposition) error) exposition {
	m.t.Helper()
	deadline := time.Now().Add(patience)
	poll := time.NewTicker(100 * time.Millisecond)
	defer poll.Stop()
	for {
		e, err := m.scrape()
		if err == nil {
			err = satisfied(e)
		}
		if err == nil {
			return e
		}
		if time.Now().After(deadline) {
			m.t.Fatalf("still not so after %v:\n%v", patience, err)
		}
		<-poll.C
	}
}
