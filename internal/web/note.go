package web

import (
	"fmt"
	"strings"

	"postflight/internal/state"
	"postflight/probe"
)

// note is what is said of a service as a whole.
type note struct {
	Tone tone
	Text string
}

// reloadNote says that the last reload failed, and why in brief; empty where it did not.
func reloadNote(reload state.ReloadState) string {
	if reload.Problem == "" {
		return ""
	}
	why, _, _ := strings.Cut(reload.Problem, "\n")
	return fmt.Sprintf("The last reload of the configuration failed; the one of %s UTC is in effect. %s",
		reload.LastSuccess.UTC().Format("2006-01-02 15:04:05"), why)
}

func notesOf(service state.ServiceState) []note {
	notes := listNotes(service)
	if service.Tokens == probe.TokensInconsistent {
		notes = append(notes, note{warn, "Its targets refuse each other's tokens; perhaps they sign with different keys."})
	}
	return append(notes, loginNotes(service.Logins)...)
}

// listNotes tell of target lists that cannot be read, and of a service of which nothing is looked at: that is not healthy.
func listNotes(service state.ServiceState) []note {
	lists := service.Discovery
	switch {
	case lists != nil && lists.Problem != "":
		problem := strings.ReplaceAll(lists.Problem, "\n", "; ")
		if lists.LastSuccess.IsZero() {
			return []note{{blind, "A target list has never been read, so targets may be missing: " + problem}}
		}
		return []note{{warn, "A target list cannot be read; the targets that it named last are kept: " + problem}}
	case unread(service):
		return []note{{blind, "Its target lists have not been read yet."}}
	case len(service.Checks) == 0 && len(service.Units) == 0:
		return []note{{blind, "Nothing of it is looked at: there is no target to check, and no unit."}}
	}
	return nil
}

// unread reports whether it is still to be seen how reading the target lists goes.
func unread(service state.ServiceState) bool {
	lists := service.Discovery
	return lists != nil && lists.LastSuccess.IsZero() && lists.Problem == ""
}

// loginNotes are one for each credentials that fail at a target, in the order of the first that does.
func loginNotes(logins []probe.Login) []note {
	var names []string
	failed := map[string][]string{} // targets, by credentials
	for _, login := range logins {
		if login.Success {
			continue
		}
		if failed[login.Credentials] == nil {
			names = append(names, login.Credentials)
		}
		failed[login.Credentials] = append(failed[login.Credentials], login.Target)
	}
	var notes []note
	for _, name := range names {
		where := failed[name][0]
		if n := len(failed[name]); n > 1 {
			where = fmt.Sprintf("%d targets, such as %s", n, where)
		}
		notes = append(notes, note{warn, fmt.Sprintf("The login with credentials %s failed at %s.", name, where)})
	}
	return notes
}
