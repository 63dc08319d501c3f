package builtin_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"go.uber.org/goleak"

	"postflight/internal/builtin"
	"postflight/internal/expect"
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

// look runs a built-in check once against a backend, as it is when nothing is said otherwise.
func look(t *testing.T, name string, credentials httpprobe.Credentials, backend http.Handler) probe.Result {
	t.Helper()
	builtIn, ok := builtin.Lookup(name)
	if !ok {
		t.Fatalf("there is no built-in check %q", name)
	}
	return run(t, plain(builtIn, credentials), backend)
}

// plain makes a check of a built-in one as the configuration does.
func plain(builtIn builtin.Check, credentials httpprobe.Credentials) httpprobe.Check {
	if builtIn.Credentials == "" {
		credentials = nil
	}
	if builtIn.Tokens != nil {
		return builtin.Auth{Path: builtIn.Path, Tokens: builtIn.Tokens, Credentials: credentials}.Check()
	}
	rules := expect.Rules{Status: builtIn.Status, JudgeBody: builtIn.Judge}
	if credentials == nil && builtIn.Closed != nil {
		rules.Status = builtIn.Closed
	}
	return httpprobe.Check{Requests: []httpprobe.Request{
		{Name: builtIn.Name, Method: http.MethodGet, Path: builtIn.Path, Credentials: credentials, Expect: rules},
	}}
}

// run runs a check once against a backend.
func run(t *testing.T, check httpprobe.Check, backend http.Handler) probe.Result {
	t.Helper()
	server := httptest.NewServer(backend)
	defer server.Close()
	client := httpprobe.NewClient("test")
	defer client.Close()
	check.Key = probe.Key{Service: "s", Target: server.URL, Check: "c"}
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

func hasKey() (string, error) { return backendKey, nil }
