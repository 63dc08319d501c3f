package credentials

import (
	"context"
	"errors"
	"fmt"
	"time"

	"postflight/probe"
)

// flight is a login under way. Its goroutine belongs to those who wait for it: it goes on for as long as one does, and the
// last one to leave ends it and waits for its end.
type flight struct {
	target  string
	renewal bool // the last token was refused
	end     context.CancelFunc
	waiting int           // for its outcome; guarded by the Set's lock
	ending  bool          // nobody does any more; likewise
	done    chan struct{} // closed when what follows is there
	logins  []probe.Login
	err     error
}

var errNoAnswer = errors.New("no answer in time")

// start sets off. The Set's lock is held, and nothing else is under way.
func (s *Set) start(ctx context.Context, target string, renewal bool) {
	ctx, end := context.WithTimeout(context.WithoutCancel(ctx), loginTimeout)
	s.flight = &flight{target: target, renewal: renewal, end: end, done: make(chan struct{})}
	go s.fly(ctx, s.flight)
}

// fly logs in once, unless that might lock the account, and keeps what came of it.
func (s *Set) fly(ctx context.Context, f *flight) {
	defer f.end()
	password, err := passwordOf(s.options.Login.Password, s.options.Login.PasswordFile)
	if err == nil {
		err = s.permission(f.target, password)
	}
	var a attempt
	if err == nil {
		a = s.options.Login.exchange(ctx, s.client, f.target, password)
		f.logins, err = []probe.Login{{Credentials: s.name, Target: f.target, Success: a.problem == nil}}, a.problem
	}
	if err != nil {
		f.err = fmt.Errorf("logging in at %s: %w", f.target, err)
	}
	s.land(f, a, password)
	close(f.done)
}

// permission says why no login may be tried now.
func (s *Set) permission(target, password string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if err := s.account.refuses(password, now); err != nil {
		return err
	}
	if i := s.issuers[target]; i != nil {
		return i.failed.refuses(now)
	}
	return nil
}

// land keeps the token, or that the login failed.
func (s *Set) land(f *flight, a attempt, password string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flight = nil
	if len(f.logins) == 0 { // nothing was tried
		return
	}
	failed := failure{}
	if a.problem != nil {
		failed = failure{time.Now(), f.target, a.problem}
	}
	switch {
	case a.problem == nil:
		s.account.succeeded()
	case a.counted:
		s.account.failed(password, failed)
	}
	i := s.issuers[f.target]
	if i == nil { // it has been dropped meanwhile
		return
	}
	i.failed = failed
	if a.problem == nil {
		i.token = newToken(a.token, a.date, f.renewal)
	}
}

// await returns when the flight has landed, or ctx has ended. Who waits for its outcome has been counted.
func (s *Set) await(ctx context.Context, f *flight, ours bool) error {
	select {
	case <-f.done:
		return nil
	case <-ctx.Done():
	}
	if ours && s.leave(f) {
		f.end()
		<-f.done
	}
	if !ours {
		return fmt.Errorf("no time left after waiting for the login at %s", f.target)
	}
	return errNoAnswer
}

// leave reports whether the last one has left.
func (s *Set) leave(f *flight) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	f.waiting--
	f.ending = f.waiting == 0
	return f.ending
}
