package credentials_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"postflight/internal/credentials"
	"postflight/internal/expect"
	"postflight/probe"
	"postflight/probe/httpprobe"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	password = "correct horse"
	wrong    = "wrong battery"
	targetA  = "http://a"
	targetB  = "http://b"
	targetC  = "http://c"
)

// backend issues tokens at /login, and wants one everywhere else.
type backend struct {
	key      string        // what it signs with
	lifetime time.Duration // of its tokens; 0: they are opaque, and do not expire
	skew     time.Duration // its clock is ahead of ours
	undated  bool          // it does not say what its clock shows
	slow     time.Duration // a login takes
	hangs    bool          // a login is never answered
	lingers  time.Duration // until the connection of one that was given up has gone
	down     int           // the status that a proxy answers in its place

	refusesAll bool // tokens, not logins

	mu         sync.Mutex
	password   string
	generation int // tokens of earlier ones have been revoked
	tries      []time.Time
	issued     []string
	within     int  // logins that are under way
	overlap    bool // two were at once

	watch func(change int) // is told of each login that begins and ends; nil: nobody
}

func (b *backend) now() time.Time { return time.Now().Add(b.skew) }

func (b *backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !b.undated {
		w.Header().Set("Date", b.now().UTC().Format(http.TimeFormat))
	} else {
		w.Header()["Date"] = nil
	}
	switch {
	case b.down != 0:
		w.WriteHeader(b.down)
	case r.URL.Path == "/login":
		b.login(w, r)
	case b.refusesAll, !b.accepts(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")):
		w.WriteHeader(http.StatusUnauthorized)
	}
}

func (b *backend) login(w http.ResponseWriter, r *http.Request) {
	b.enter()
	defer b.leave()
	if b.hangs {
		<-r.Context().Done()
		time.Sleep(b.lingers)
		return
	}
	time.Sleep(b.slow)
	body, _ := io.ReadAll(r.Body)
	var sent struct{ Username, Password string }
	if json.Unmarshal(body, &sent) != nil || sent.Username != "ops" || sent.Password != b.wants() {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprintf(w, `{"detail": "no", "input": %s}`, body)
		return
	}
	fmt.Fprintf(w, `{"access_token": %q}`, b.issue())
}

func (b *backend) wants() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.password
}

func (b *backend) enter() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tries = append(b.tries, time.Now())
	b.within++
	b.overlap = b.overlap || b.within > 1
	if b.watch != nil {
		b.watch(1)
	}
}

func (b *backend) leave() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.within--
	if b.watch != nil {
		b.watch(-1)
	}
}

func (b *backend) issue() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	token := fmt.Sprintf("opaque-%d-%d-%s", len(b.issued), b.generation, b.key)
	if b.lifetime > 0 {
		claims := fmt.Sprintf(`{"n":%d,"gen":%d,"exp":%d}`, len(b.issued), b.generation, b.now().Add(b.lifetime).Unix())
		token = "eyJhbGciOiJIUzI1NiJ9." + base64.RawURLEncoding.EncodeToString([]byte(claims))
		token += "." + b.signature(token)
	}
	b.issued = append(b.issued, token)
	return token
}

func (b *backend) signature(text string) string {
	mac := hmac.New(sha256.New, []byte(b.key))
	mac.Write([]byte(text))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func (b *backend) accepts(token string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	var n, generation int
	if _, err := fmt.Sscanf(token, "opaque-%d-%d-"+b.key, &n, &generation); err == nil {
		return generation == b.generation
	}
	end := strings.LastIndex(token, ".")
	if end < 0 || token[end+1:] != b.signature(token[:end]) {
		return false
	}
	payload, _ := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	var claims struct{ Exp, Gen int64 }
	return json.Unmarshal(payload, &claims) == nil && b.now().Unix() < claims.Exp && int(claims.Gen) == b.generation
}

// revoke ends all sessions.
func (b *backend) revoke() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.generation++
}

// world is a Client that reaches its targets without a network, so that time can be virtual. Nobody listens at one that is
// not in it, and one that is nil swallows packets.
type world map[string]*backend

func (w world) Prober(c httpprobe.Check) probe.Prober { return visit{w, c} }

type visit struct {
	world world
	check httpprobe.Check
}

func (v visit) Probe(ctx context.Context) (probe.Result, error) {
	failed := func(reason probe.Reason, got string) (probe.Result, error) {
		if errors.Is(ctx.Err(), context.Canceled) {
			return probe.Result{}, ctx.Err()
		}
		return probe.Result{Outcome: probe.Fail, Reason: reason, Got: got}, nil
	}
	b, listens := v.world[v.check.Key.Target]
	switch {
	case !listens:
		return failed(probe.ReasonConnect, "connection refused")
	case b == nil:
		<-ctx.Done()
		return failed(probe.ReasonTimeout, "nothing in time, while connecting")
	}
	httptrace.ContextClientTrace(ctx).GotConn(httptrace.GotConnInfo{})
	asked := v.check.Requests[0]
	request := httptest.NewRequestWithContext(ctx, asked.Method, v.check.Key.Target+asked.Path, strings.NewReader(asked.Body))
	recorder := httptest.NewRecorder()
	b.ServeHTTP(recorder, request)
	if ctx.Err() != nil {
		return failed(probe.ReasonTimeout, "nothing in time, while waiting for the answer")
	}
	answer := expect.Answer{Status: recorder.Code, Header: recorder.Header(), Raw: recorder.Body.Bytes()}
	answer.NotJSON = json.Unmarshal(answer.Raw, &answer.Body)
	j := asked.Expect.Judge(answer)
	return probe.Result{Status: answer.Status, Outcome: j.Outcome, Reason: j.Reason, Wanted: j.Wanted, Got: j.Got}, nil
}

// byLogin logs in as ops with the password.
func byLogin(t testing.TB, password string) credentials.Options {
	return credentials.Options{Login: &credentials.Login{
		Path: "/login", Format: "json", UsernameField: "username", PasswordField: "password",
		Username: "ops", Password: credentials.Secret(password), Token: value(t, "body.access_token"),
	}}
}

func value(t testing.TB, text string) *expect.Expression {
	t.Helper()
	e, err := expect.CompileValue(text)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// newSet makes a Set that logs in at these targets.
func newSet(client credentials.Client, o credentials.Options, targets ...string) *credentials.Set {
	s := credentials.New("admin", o, client)
	s.SetTargets(targets)
	return s
}

// granted is the grant for a target, within the usual timeout of a check.
func granted(t testing.TB, s *credentials.Set, target string) (httpprobe.Grant, error) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	return s.For(target).Grant(ctx)
}

// must is a grant that there has to be.
func must(t testing.TB, s *credentials.Set, target string) httpprobe.Grant {
	t.Helper()
	grant, err := granted(t, s, target)
	if err != nil {
		t.Fatalf("%v after the start: %v", time.Now(), err)
	}
	return grant
}
