package builtin_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"go.uber.org/goleak"

	"postflight/internal/builtin"
	"postflight/probe"
	"postflight/probe/httpprobe"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// token is credentials that are always the same.
type token string

func (t token) Grant(context.Context) (httpprobe.Grant, error) {
	return httpprobe.Grant{Authorization: "Bearer " + string(t), Secret: string(t)}, nil
}

func (t token) Refused(context.Context, httpprobe.Grant) (httpprobe.Grant, bool) {
	return httpprobe.Grant{}, false
}

// look runs a built-in check once against a backend.
func look(t *testing.T, name string, credentials httpprobe.Credentials, backend http.Handler) probe.Result {
	t.Helper()
	server := httptest.NewServer(backend)
	defer server.Close()
	client := httpprobe.NewClient("test")
	defer client.Close()
	builtIn, ok := builtin.Lookup(name)
	if !ok {
		t.Fatalf("there is no built-in check %q", name)
	}
	check := builtIn.Build(credentials)
	check.Key = probe.Key{Service: "s", Target: server.URL, Check: name}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	result, err := client.Prober(check).Probe(ctx)
	if (err != nil) != (result.Outcome == probe.Error) {
		t.Errorf("outcome %v with error %v", result.Outcome, err)
	}
	return result
}

// answers gives the same answer to whatever is asked.
func answers(status int, body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		w.Write([]byte(body))
	})
}

// verdict is the part of a result that a table of cases compares.
type verdict struct {
	Outcome     probe.Outcome
	Reason      probe.Reason
	Wanted, Got string
}

func verdictOf(r probe.Result) verdict { return verdict{r.Outcome, r.Reason, r.Wanted, r.Got} }
