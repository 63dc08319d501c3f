package builtin

import (
	"encoding/json"
	"maps"
	"slices"

	"postflight/internal/expect"
	"postflight/probe"
)

// taskStatuses are those that a queue always has. One that an answer leaves out has no tasks.
var taskStatuses = []string{"queued", "processing", "completed", "failed"}

// judgeQueueStatus judges how the queue of tasks stands. Where its database query fails, the backend answers 200 all the
// same.
func judgeQueueStatus(a expect.Answer) expect.Judgement {
	body, ok := object(a)
	if !ok {
		return expect.WrongBody("a JSON object", a.Excerpt())
	}
	if said, present := body["error"]; present {
		return expect.WrongBody("no error", errorText(said))
	}
	tasks, wanted, got := amounts(body, "queue_counts")
	if wanted != "" {
		return expect.WrongBody(wanted, got)
	}
	j := expect.Judgement{Values: taskValues(tasks)}
	if body["user_concurrency"] != nil {
		users, wanted, got := amounts(body, "user_concurrency")
		if wanted != "" {
			return expect.WrongBody(wanted, got)
		}
		j.Values = append(j.Values, userValues(users)...)
	}
	if raw := body["avg_wait_time_seconds"]; !saysNothing(raw) {
		wait, ok := amount(raw)
		if !ok {
			return expect.WrongBody("avg_wait_time_seconds, a number that is not negative", described(raw, true))
		}
		j.Values = append(j.Values, probe.Value{Metric: "queue_wait_average_seconds", Number: wait})
	}
	return j
}

func taskValues(tasks map[string]float64) []probe.Value {
	values := make([]probe.Value, 0, len(tasks)+len(taskStatuses))
	for _, status := range taskStatuses {
		values = append(values, probe.Value{Metric: "queue_tasks", Label: status, Number: tasks[status]})
	}
	for _, status := range slices.Sorted(maps.Keys(tasks)) {
		if !slices.Contains(taskStatuses, status) {
			values = append(values, probe.Value{Metric: "queue_tasks", Label: status, Number: tasks[status]})
		}
	}
	return values
}

// userValues tells how many users have tasks running, and how many the busiest has. Who they are is nobody's business.
func userValues(users map[string]float64) []probe.Value {
	largest := 0.0
	for _, running := range users {
		largest = max(largest, running)
	}
	return []probe.Value{
		{Metric: "queue_users_processing", Number: float64(len(users))},
		{Metric: "queue_user_tasks_max", Number: largest},
	}
}

// amounts is a field that is an object of numbers, or what was wanted of it and what it is.
func amounts(body map[string]any, name string) (numbers map[string]float64, wanted, got string) {
	raw, present := body[name]
	fields, ok := raw.(map[string]any)
	if !ok {
		return nil, name + ", an object of numbers", described(raw, present)
	}
	numbers = make(map[string]float64, len(fields))
	for key, field := range fields {
		number, ok := amount(field)
		if !ok {
			return nil, name + ", an object of numbers that are not negative", described(field, true)
		}
		numbers[key] = number
	}
	return numbers, "", ""
}

// errorText is what the backend put under "error", fit to be shown.
func errorText(said any) string {
	if text, ok := said.(string); ok {
		return "error: " + expect.Excerpt(text)
	}
	text, err := json.Marshal(said)
	if err != nil {
		return "error"
	}
	return "error: " + expect.Excerpt(string(text))
}
