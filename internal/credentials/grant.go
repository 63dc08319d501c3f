package credentials

import (
	"context"
	"fmt"
	"time"

	"postflight/probe/httpprobe"
)

// loggedIn is the credentials of one target: a token that another target issued where there is one, else its own.
type loggedIn struct {
	set    *Set
	target string
}

// Grant sees first to the target's own token, so that there is something to fall back on, and then to the next one's.
func (c loggedIn) Grant(ctx context.Context) (httpprobe.Grant, error) {
	logins, err := c.set.logIn(ctx, c.target, false, c.wantOwn)
	if next := c.set.after(c.target); next != c.target {
		more, _ := c.set.logIn(ctx, next, false, wantOther)
		logins = append(logins, more...)
	}
	grant, found := c.set.best(c.target)
	grant.Logins = logins
	if !found && err == nil {
		err = fmt.Errorf("logging in at %s: the token that it issued has expired already", c.target)
	}
	if found {
		err = nil
	}
	return grant, err
}

// Refused tries another target's token anew, unless that is new, and then the target's own likewise.
func (c loggedIn) Refused(ctx context.Context, refused httpprobe.Grant) (httpprobe.Grant, bool) {
	if refused.Issuer == "" {
		grant, found := c.renewed(ctx, c.target, refused.Secret, needed)
		if !found {
			c.set.drop(c.target, refused.Secret)
		}
		return grant, found
	}
	other, found := c.renewed(ctx, refused.Issuer, refused.Secret, optional)
	if found {
		return other, true
	}
	logins, _ := c.set.logIn(ctx, c.target, false, wantAny)
	own, found := c.set.from(c.target, c.target)
	own.Logins = append(other.Logins, logins...)
	return own, found
}

// renewed gives what another login has brought in place of a token that was refused.
func (c loggedIn) renewed(ctx context.Context, from, refused string, how urgency) (httpprobe.Grant, bool) {
	logins, _ := c.set.logIn(ctx, from, true, func(i *issuer, now time.Time) urgency {
		if i.token.valid(now) && (i.token.value != refused || i.token.fresh(now)) {
			return unwanted
		}
		return how
	})
	grant, found := c.set.from(from, c.target)
	if grant.Secret == refused {
		grant, found = httpprobe.Grant{}, false
	}
	grant.Logins = logins
	return grant, found
}

// wantOwn wants a token of the target's own that lasts; at once where there is none to ask with.
func (c loggedIn) wantOwn(own *issuer, now time.Time) urgency {
	switch {
	case own.token.lasting(now):
		return unwanted
	case own.token.valid(now), c.set.other(own, now) != nil:
		return optional
	default:
		return needed
	}
}

// wantOther wants a token of another target's that lasts. Where a login there fails it is tried again when that target
// itself is asked: nobody else waits for it.
func wantOther(other *issuer, now time.Time) urgency {
	if other.token.lasting(now) || other.failed.problem != nil {
		return unwanted
	}
	return optional
}

// wantAny is content with a token that is about to expire.
func wantAny(own *issuer, now time.Time) urgency {
	if own.token.valid(now) {
		return unwanted
	}
	return needed
}
