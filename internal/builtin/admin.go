package builtin

import (
	"net/http"

	"postflight/internal/expect"
	"postflight/probe/httpprobe"
)

// adminPage asks for something that only an administrator may see. With credentials judge has its say; without, the
// right answer is a refusal.
func adminPage(name, path string, credentials httpprobe.Credentials, judge expect.Func) httpprobe.Check {
	request := httpprobe.Request{Name: name, Method: http.MethodGet, Path: path, Credentials: credentials, Expect: expect.Func(judgeClosed)}
	if credentials != nil {
		request.Expect = expect.Func(func(a expect.Answer) expect.Judgement { return judgeOpened(a, judge) })
	}
	return httpprobe.Check{Requests: []httpprobe.Request{request}}
}

func judgeClosed(a expect.Answer) expect.Judgement {
	if refused(a) {
		return expect.Judgement{}
	}
	return expect.WrongStatus(a, "status 401 or 403, as we sent no credentials")
}

func judgeOpened(a expect.Answer, judge expect.Func) expect.Judgement {
	if a.Status != http.StatusOK {
		return expect.WrongStatus(a, "status 200")
	}
	return judge(a)
}

// object is the answer's body, if it is a JSON object.
func object(a expect.Answer) (map[string]any, bool) {
	if a.NotJSON != nil {
		return nil, false
	}
	body, ok := a.Body.(map[string]any)
	return body, ok
}
