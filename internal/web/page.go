package web

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"time"
)

var (
	//go:embed page.html
	pageHTML string
	//go:embed page.css
	pageCSS string
)

// page is the status page: rendered here, without a script, and without anything to load.
type page struct {
	options  Options
	template *template.Template
	policy   string
}

func newPage(options Options) *page {
	hash := sha256.Sum256([]byte(pageCSS))
	return &page{
		options:  options,
		template: template.Must(template.New("page").Parse(pageHTML)),
		policy: "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) +
			"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
	}
}

func (p *page) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	var html bytes.Buffer // so that a template that fails does not leave half a page with status 200
	err := p.template.Execute(&html, struct {
		CSS     template.CSS
		Version string
		View    view
	}{template.CSS(pageCSS), p.options.Version, viewOf(p.options.Store.Snapshot(time.Now()))})
	if err != nil {
		http.Error(w, "rendering the page: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", p.policy)
	w.Header().Set("Cache-Control", "no-store")
	_, _ = html.WriteTo(w) // whom it cannot be written to has gone
}
