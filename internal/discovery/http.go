package discovery

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	answerTimeout = 10 * time.Second
	headerLimit   = 64 << 10
)

// httpList reads an HTTP list. If it cannot, the list stays as it was last read.
type httpList struct {
	HTTP
	agent  string
	client *http.Client
	last   reading
}

func newHTTPList(list HTTP, agent string) *httpList {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &httpList{HTTP: list, agent: agent, client: &http.Client{Transport: &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DisableKeepAlives:      true, // one request a minute keeps no connection
		MaxResponseHeaderBytes: headerLimit,
		Protocols:              protocols,
	}}}
}

func (l *httpList) read(ctx context.Context) ([]Target, error) {
	content, err := l.ask(ctx)
	if err == nil {
		l.last, err = l.last.again(content, parseJSON, l.Scheme)
	}
	if err != nil {
		return l.last.targets, unreadable(l.String(), err)
	}
	return l.last.targets, nil
}

// ask sends what Prometheus sends and takes the answers that it takes.
func (l *httpList) ask(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, l.URL, http.NoBody)
	if err != nil {
		return nil, errors.New("not a URL; write it such as http://inventory.example/targets")
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", l.agent)
	request.Header.Set("X-Prometheus-Refresh-Interval-Seconds", strconv.FormatFloat(l.RefreshInterval.Seconds(), 'f', -1, 64))
	response, err := l.client.Do(request)
	if err != nil {
		return nil, unanswered("no answer", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("answered %d; a list is answered with 200", response.StatusCode)
	}
	if got := response.Header.Get("Content-Type"); !isJSON(got) {
		return nil, fmt.Errorf("answered Content-Type %s; a list is of application/json", Quote(got))
	}
	content, err := io.ReadAll(io.LimitReader(response.Body, maxSize+1))
	if err != nil {
		return nil, unanswered("the answer ends too early", err)
	}
	return content, nil
}

func isJSON(contentType string) bool {
	media, parameters, err := mime.ParseMediaType(contentType)
	charset, given := parameters["charset"]
	return err == nil && media == "application/json" && (!given || strings.EqualFold(charset, "utf-8"))
}

// unanswered says why there is no answer, or no whole one, without the URL: its query may hold a secret.
func unanswered(what string, err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("no whole answer within %v; is the server well?", answerTimeout)
	}
	if failed := (*url.Error)(nil); errors.As(err, &failed) {
		err = failed.Err
	}
	return fmt.Errorf("%s: %w; see that the URL is right and the server well", what, err)
}

// String names the list in messages, without what may be secret.
func (l *httpList) String() string {
	u, err := url.Parse(l.URL)
	if err != nil {
		return "a list over HTTP"
	}
	return u.Scheme + "://" + u.Host + u.EscapedPath()
}
