package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"postflight/internal/discovery"
)

var (
	listFileKind = kind{name: "file", tag: textTag, read: readListFile, schema: map[string]any{"pattern": listFile.String()}}
	listURLKind  = kind{name: "URL", tag: textTag, read: readListURL, discreet: true, schema: map[string]any{"pattern": "^https?://"}}
	refreshKind  = duration(time.Second, day)
	schemeKind   = choice("scheme", "http", "https")
)

// listFile is what Prometheus takes for the name of a list.
var listFile = regexp.MustCompile(`\.(json|yml|yaml|JSON|YML|YAML)$`)

func readListURL(text string) (any, error) { return discovery.ReadListURL(text) }

func readListFile(text string) (any, error) {
	if _, err := readFile(text); err != nil {
		return nil, err
	}
	directory, name := filepath.Split(text)
	switch _, err := filepath.Match(name, ""); {
	case strings.ContainsAny(directory, "*?["):
		return nil, fmt.Errorf("%s has a pattern before its last part; write * only after the last slash", quote(text))
	case !listFile.MatchString(name):
		return nil, fmt.Errorf("%s does not end as a list does; write the name of a .json, .yml or .yaml file", quote(text))
	case errors.Is(err, filepath.ErrBadPattern):
		return nil, fmt.Errorf("%s is not a pattern; close what [ opens, or write [ as \\[", quote(text))
	}
	return text, nil
}

const listedAlready = "this list is here already"

func (b *builder) fileLists(v *value) []discovery.Files {
	var lists []discovery.Files
	seen := map[string]*value{}
	for _, item := range v.list("file_sd_configs") {
		if item.wrong {
			continue
		}
		files := item.field("files")
		if none(files) {
			b.say(item.place, "the list has no files; write files: and the names of some")
		}
		list := discovery.Files{
			RefreshInterval: get(item, "refresh_interval", fallback[time.Duration]("services[].file_sd_configs[].refresh_interval")),
			Scheme:          get(item, "scheme", fallback[string]("services[].file_sd_configs[].scheme")),
		}
		for _, file := range item.list("files") {
			if name, ok := file.got.(string); ok {
				name = b.absolute(name)
				b.unique(seen, name, file, listedAlready, "leave one out")
				list.Names = append(list.Names, name)
			}
		}
		lists = append(lists, list)
	}
	return lists
}

func (b *builder) httpLists(v *value) []discovery.HTTP {
	var lists []discovery.HTTP
	seen := map[string]*value{}
	for _, item := range v.list("http_sd_configs") {
		if item.wrong {
			continue
		}
		if item.field("url") == nil {
			b.say(item.place, "the list has no URL; write url: and where it is asked for")
		}
		list := discovery.HTTP{
			URL:             get(item, "url", ""),
			RefreshInterval: get(item, "refresh_interval", fallback[time.Duration]("services[].http_sd_configs[].refresh_interval")),
			Scheme:          get(item, "scheme", fallback[string]("services[].http_sd_configs[].scheme")),
		}
		b.unique(seen, list.URL, item.field("url"), listedAlready, "leave one out")
		lists = append(lists, list)
	}
	return lists
}
