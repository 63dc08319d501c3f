// Package grafana holds the dashboards. Its tests judge those files as they are shipped: whether Grafana can read them, and
// whether what they ask of Prometheus is there.
package grafana

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"testing"
)

// dashboard is what the shipped dashboards hold, in Grafana's schema. What stands in them and not here is a mistake.
type dashboard struct {
	UID                  string
	Title                string
	Description          string
	Tags                 []string
	SchemaVersion        int
	Version              int
	Editable             bool
	GraphTooltip         int
	Refresh              string
	Time                 struct{ From, To string }
	Timezone             string
	FiscalYearStartMonth int
	WeekStart            string
	LiveNow              bool
	Timepicker           struct{}
	Links                []link
	Templating           struct{ List []variable }
	Annotations          struct{ List []annotation }
	Panels               []panel
}

type link struct {
	Title, Type, URL, Icon, Tooltip   string
	Tags                              []string
	AsDropdown, IncludeVars, KeepTime bool
	TargetBlank                       bool
}

type source struct{ Type, UID string }

type variable struct {
	Type, Name, Label, Description string
	Datasource                     source
	Query                          json.RawMessage // text, or an object
	Refresh, Sort                  int
	Multi, IncludeAll              bool
	AllValue, Regex                string
	Current                        struct{ Text, Value []string }
	Options                        []struct{}
}

type annotation struct {
	Name, Type, IconColor            string
	BuiltIn                          int
	Enable, Hide                     bool
	Datasource                       source
	Expr                             string // as Grafana 11 has it
	Target                           struct{ RefID, Expr string }
	TitleFormat, TextFormat, TagKeys string
	UseValueForTime                  bool
}

type panel struct {
	ID              int
	Type            string
	Title           string
	Description     string
	GridPos         grid
	Datasource      source
	Targets         []target
	FieldConfig     fieldConfig
	Options         json.RawMessage // by the panel's type
	TimeFrom        string          // whatever time is shown
	Transformations []struct {
		ID      string
		Options struct {
			ExcludeByName map[string]bool
			RenameByName  map[string]string
			IndexByName   map[string]int
		}
	}
	Collapsed bool       // of a row
	Panels    []struct{} // of a row that is collapsed
}

type grid struct{ H, W, X, Y int }

type target struct {
	RefID, Expr, LegendFormat, Format string
	Datasource                        source
	Instant, Range                    bool
}

type fieldConfig struct {
	Defaults struct {
		Unit       string
		Decimals   *int
		Min, Max   *float64
		NoValue    string
		Mappings   []mapping
		Thresholds *thresholds
		Color      struct{ Mode string }
		Custom     json.RawMessage // by the panel's type
	}
	Overrides []struct {
		Matcher    struct{ ID, Options string }
		Properties []struct {
			ID    string
			Value json.RawMessage // by the property
		}
	}
}

type mapping struct {
	Type    string
	Options map[string]struct {
		Text, Color string
		Index       int
	}
}

type thresholds struct {
	Mode  string
	Steps []struct {
		Color string
		Value *float64
	}
}

type legend struct {
	DisplayMode, Placement string
	ShowLegend             bool
	Calcs                  []string
}

type tooltip struct{ Mode, Sort string }

type reduced struct {
	Calcs  []string
	Fields string
	Values bool
}

// options are what each type of panel has: its options, and those of its fields.
var options = map[string]struct{ panel, field func() any }{
	"stat": {panel: func() any {
		return &struct {
			ReduceOptions                                            reduced
			ColorMode, GraphMode, TextMode, JustifyMode, Orientation string
		}{}
	}},
	"bargauge": {panel: func() any {
		return &struct {
			ReduceOptions                       reduced
			DisplayMode, Orientation, ValueMode string
			ShowUnfilled                        bool
		}{}
	}},
	"table": {
		panel: func() any {
			return &struct {
				ShowHeader bool
				CellHeight string
				SortBy     []struct {
					DisplayName string
					Desc        bool
				}
			}{}
		},
		field: func() any {
			return &struct {
				Align      string
				Filterable bool
			}{}
		},
	},
	"timeseries": {
		panel: func() any {
			return &struct {
				Legend  legend
				Tooltip tooltip
			}{}
		},
		field: func() any {
			return &struct {
				DrawStyle, ShowPoints  string
				LineWidth, FillOpacity int
				SpanNulls              bool
				Stacking               struct{ Mode, Group string }
				ThresholdsStyle        struct{ Mode string }
			}{}
		},
	},
	"state-timeline": {
		panel: func() any {
			return &struct {
				MergeValues           bool
				ShowValue, AlignValue string
				RowHeight             float64
				Legend                legend
				Tooltip               tooltip
			}{}
		},
		field: func() any {
			return &struct {
				LineWidth, FillOpacity int
			}{}
		},
	},
	"heatmap": {
		panel: func() any {
			return &struct {
				Calculate  bool
				CellGap    int
				CellValues struct{ Unit string }
				Color      struct {
					Mode, Scheme, Fill, Scale string
					Exponent                  float64
					Steps                     int
					Reverse                   bool
				}
				Exemplars    struct{ Color string }
				FilterValues struct{ Le float64 }
				Legend       struct{ Show bool }
				RowsFrame    struct{ Layout string }
				Tooltip      struct {
					Mode                       string
					YHistogram, ShowColorScale bool
				}
				YAxis struct {
					AxisPlacement, Unit string
					Reverse             bool
				}
			}{}
		},
		field: func() any {
			return &struct {
				HideFrom          struct{ Legend, Tooltip, Viz bool }
				ScaleDistribution struct{ Type string }
			}{}
		},
	},
}

const (
	overviewFile = "postflight-overview.json"
	serviceFile  = "postflight-service.json"
)

// dashboards reads them all, strictly, by their files' names.
func dashboards(t *testing.T) map[string]dashboard {
	t.Helper()
	all := map[string]dashboard{}
	for _, file := range []string{overviewFile, serviceFile} {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var d dashboard
		strictly(t, file, content, &d)
		all[file] = d
	}
	return all
}

func strictly(t *testing.T, what string, content []byte, into any) {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		t.Fatalf("%s: something stands behind its end", what)
	}
}
