package config

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"postflight/internal/discovery"
	"postflight/internal/expect"
	"postflight/probe"
)

var (
	methodKind    = kind{name: "method", tag: textTag, read: readMethod, schema: map[string]any{"enum": methods}}
	pathKind      = kind{name: "path", tag: textTag, read: readPath, schema: map[string]any{"pattern": "^/"}}
	headerKind    = kind{name: "text", tag: textTag, read: readHeader}
	bodyKind      = kind{name: "text", limits: "64 KiB at most", tag: textTag, read: readBody}
	conditionKind = kind{name: "condition", tag: textTag, read: readCondition}
	valueKind     = kind{name: "expression", tag: textTag, read: readExpression}
	severityKind  = kind{name: "severity", tag: textTag, read: readSeverity, schema: map[string]any{"enum": []string{"error", "warning"}}}
)

var methods = []string{
	http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
}

// bodiless are the methods whose requests are sent without a body.
var bodiless = []string{http.MethodGet, http.MethodHead, http.MethodOptions}

func readMethod(text string) (any, error) {
	capitals := strings.ToUpper(text)
	switch {
	case slices.Contains(methods, text):
		return text, nil
	case slices.Contains(methods, capitals):
		return nil, fmt.Errorf("%s is not a method; did you mean %s?", quote(text), capitals)
	default:
		return nil, fmt.Errorf("%s is not a method; write one of %s", quote(text), strings.Join(methods, ", "))
	}
}

func readPath(text string) (any, error) {
	if !strings.HasPrefix(text, "/") {
		return nil, fmt.Errorf("%s does not begin with a slash; write what is added to the target, such as /api/health", discovery.QuoteURL(text))
	}
	if strings.ContainsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		return nil, fmt.Errorf("%s holds white space or a control character; leave it out, or write a space as %%20", discovery.QuoteURL(text))
	}
	if strings.Contains(text, "#") {
		return nil, fmt.Errorf("%s holds a #, and what follows it is never sent; leave it out, or write it as %%23", discovery.QuoteURL(text))
	}
	if _, err := url.Parse("http://localhost" + text); err != nil {
		return nil, fmt.Errorf("%s is not a path; write a %% that stands for itself as %%25", discovery.QuoteURL(text))
	}
	return text, nil
}

var headerName = regexp.MustCompile("^[a-zA-Z0-9!#$%&'*+.^_`|~-]+$")

// madeHeaders are not sent as somebody writes them: they are made for each request.
var madeHeaders = []string{"Host", "Content-Length", "Transfer-Encoding", "Trailer", "Connection", "Accept-Encoding"}

func checkHeaderName(text string) error {
	name := http.CanonicalHeaderKey(text)
	switch {
	case strings.Contains(text, ":"): // not repeated: what follows may be a secret
		return errors.New("the name of a header holds no colon; quote name and value each by itself")
	case !headerName.MatchString(text):
		return fmt.Errorf("%s is not the name of a header; write one such as Content-Type", quote(text))
	case name == "Authorization" || name == "Proxy-Authorization":
		return errors.New("a secret does not belong into this file; name a token file under the service's credentials, and write credentials: and their name into the check")
	case slices.Contains(madeHeaders, name):
		return fmt.Errorf("%s is made from the target, the body and the connection; leave it out", name)
	default:
		return nil
	}
}

func readHeader(text string) (any, error) {
	if strings.ContainsFunc(text, func(r rune) bool { return r != '\t' && unicode.IsControl(r) }) {
		return nil, errors.New("a header holds no control characters; write it on one line")
	}
	if strings.Trim(text, " \t") != text {
		return nil, errors.New("a header does not begin or end with white space; leave it out")
	}
	return text, nil
}

const maxBody = 64 << 10

func readBody(text string) (any, error) {
	if len(text) > maxBody {
		return nil, errors.New("the body is larger than 64 KiB; write a smaller one")
	}
	return text, nil
}

func readCondition(text string) (any, error) {
	return compiled(text, "body.total >= 0", expect.Compile)
}

func readExpression(text string) (any, error) {
	return compiled(text, "body.total", expect.CompileValue)
}

// compiled is an expression, or an error that says where in it the mistake is.
func compiled(text, example string, compile func(string) (*expect.Expression, error)) (any, error) {
	if strings.TrimSpace(text) == "" {
		return nil, fmt.Errorf("there is no expression; write one such as '%s'", example)
	}
	expression, err := compile(text)
	if err != nil {
		return nil, err
	}
	return expression, nil
}

var severities = map[probe.Outcome]string{probe.Fail: "error", probe.Warn: "warning"}

func readSeverity(text string) (any, error) {
	for outcome, name := range severities {
		if name == text {
			return outcome, nil
		}
	}
	return nil, fmt.Errorf("%s is not a severity; write error or warning", quote(text))
}
