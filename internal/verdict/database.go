package verdict

import (
	"regexp"
	"strings"
)

// connectionError is how drivers say that a database cannot be reached, or lets nobody in: in words, and in MySQL's numbers.
var connectionError = regexp.MustCompile(`(?i)\b(?:can't|cannot|could not|couldn't|unable to|failed to) connect\b` +
	`|\bnot connected\b|\blost connection\b|\bconnection (?:is |was |has been |attempt )?(?:refused|reset|closed|lost|failed|aborted|timed out|timeout)\b` +
	`|\btimed out\b|\bserver has gone away\b|\bname or service not known\b|\bname resolution\b|\bgetaddrinfo\b|\bunknown (?:mysql )?server host\b` +
	`|\bno route to host\b|\bnetwork is unreachable\b|\baccess denied for user\b|\bunknown database\b` +
	`|无法连接|连接(?:失败|超时|断开|被拒绝|错误)` +
	`|\((?:1040|1044|1045|1049|2002|2003|2005|2006|2013|2055),`)

// lacksDatabase reports whether what is said of a database's error means that there is no database: not what a statement is
// about, nor that a pool of connections is exhausted.
func lacksDatabase(text string) bool {
	text, _, _ = strings.Cut(text, "[SQL:")
	return connectionError.MatchString(text) && !strings.Contains(text, "QueuePool")
}
