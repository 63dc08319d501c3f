package web

import (
	"context"
	"net/http"
)

// reload reads the configuration again for those who may ask for it. It comes to its end though the client may have gone.
func reload(o Options) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if refused := refuse(r, o.Token); refused != nil {
			if refused.challenge != "" {
				w.Header().Set("WWW-Authenticate", refused.challenge)
			}
			answer(w, refused.status, refused.text+"\n")
			return
		}
		if err := o.Reload(context.WithoutCancel(r.Context())); err != nil {
			answer(w, http.StatusBadRequest, err.Error()+"\npostflight goes on with the configuration that it has.\n")
			return
		}
		answer(w, http.StatusOK, "postflight has reloaded its configuration.\n")
	})
}
