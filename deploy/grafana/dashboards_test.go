package grafana

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// columns is how wide Grafana's grid is.
const columns = 24

var prometheus = source{Type: "prometheus", UID: "${datasource}"}

func TestTheDashboards(t *testing.T) {
	uids := map[string]string{}
	for file, d := range dashboards(t) {
		t.Run(file, func(t *testing.T) {
			if other, taken := uids[d.UID]; taken || d.UID+".json" != file {
				t.Errorf("its uid is %q, which is not the file's name, or is that of %q too", d.UID, other)
			}
			uids[d.UID] = file
			if d.SchemaVersion < 39 || d.Title == "" || d.Description == "" || d.Refresh == "" || !slices.Contains(d.Tags, "postflight") {
				t.Error("its schema is older than Grafana 11, or it lacks a title, a description, a refresh, or the tag postflight")
			}
			asksForItsDataSource(t, d)
			leadsToTheOther(t, d)
			if len(d.Annotations.List) < 2 {
				t.Error("deployments are no annotations")
			}
			for _, a := range d.Annotations.List[1:] { // the first is Grafana's own
				if a.Name == "" || a.TitleFormat == "" || a.Datasource != prometheus || a.Expr != a.Target.Expr {
					t.Errorf("annotation %q lacks a title, has a data source of its own, or asks older and newer Grafanas for different things", a.Name)
				}
			}
		})
	}
}

func asksForItsDataSource(t *testing.T, d dashboard) {
	t.Helper()
	if first := d.Templating.List[0]; first.Type != "datasource" || first.Name != "datasource" || string(first.Query) != `"prometheus"` {
		t.Errorf("the first variable is %+v, want the data source", first)
	}
	for _, v := range d.Templating.List[1:] {
		if v.Type != "query" || v.Datasource != prometheus || v.Label == "" {
			t.Errorf("variable %s is no query to the data source, or has no label", v.Name)
		}
	}
}

func leadsToTheOther(t *testing.T, d dashboard) {
	t.Helper()
	other := map[string]string{"postflight-overview": "/d/postflight-service?", "postflight-service": "/d/postflight-overview?"}[d.UID]
	if !slices.ContainsFunc(d.Links, func(l link) bool { return strings.HasPrefix(l.URL, other) && l.KeepTime }) {
		t.Errorf("no link leads to %s", other)
	}
}

func TestThePanels(t *testing.T) {
	for file, d := range dashboards(t) {
		ids := map[int]string{}
		for i, p := range d.Panels {
			t.Run(fmt.Sprintf("%s, %s %s", file, p.Type, p.Title), func(t *testing.T) {
				if other, taken := ids[p.ID]; taken || p.ID < 1 {
					t.Errorf("id %d is that of %q too, or none", p.ID, other)
				}
				ids[p.ID] = p.Title
				if p.Title == "" {
					t.Error("it has no title")
				}
				isInTheGrid(t, p.GridPos)
				for _, other := range d.Panels[:i] {
					if overlap(p.GridPos, other.GridPos) {
						t.Errorf("it lies over %q", other.Title)
					}
				}
				if p.Type != "row" {
					isComplete(t, p)
				}
			})
		}
	}
}

func isInTheGrid(t *testing.T, g grid) {
	t.Helper()
	if g.X < 0 || g.Y < 0 || g.W < 1 || g.H < 1 || g.X+g.W > columns {
		t.Errorf("%+v is not within the %d columns of the grid", g, columns)
	}
}

func overlap(a, b grid) bool {
	return a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H
}

// isComplete holds a panel to what somebody needs who has never seen it.
func isComplete(t *testing.T, p panel) {
	t.Helper()
	if !strings.HasSuffix(p.Description, ".") {
		t.Errorf("the description %q is no sentence", p.Description)
	}
	if p.FieldConfig.Defaults.Unit == "" {
		t.Error("it has no unit")
	}
	if p.Datasource != prometheus || len(p.Targets) == 0 {
		t.Errorf("its data source is %v, or it asks nothing", p.Datasource)
	}
	refs := map[string]bool{}
	for _, q := range p.Targets {
		if refs[q.RefID] || q.RefID == "" || q.Datasource != prometheus || q.Instant == q.Range {
			t.Errorf("query %q: its name is taken, its data source another one, or it is both instant and range, or neither", q.RefID)
		}
		refs[q.RefID] = true
		if tabular := p.Type == "table"; tabular != (q.Format == "table") {
			t.Errorf("query %s is of format %q", q.RefID, q.Format)
		}
	}
	for _, m := range p.FieldConfig.Defaults.Mappings {
		for value, to := range m.Options {
			if m.Type != "value" || to.Text == "" || to.Color == "" {
				t.Errorf("what %s stands for has no text or no color", value)
			}
		}
	}
	hasKnownOptions(t, p)
}

// hasKnownOptions decodes what depends on the type, as strictly as all the rest.
func hasKnownOptions(t *testing.T, p panel) {
	t.Helper()
	known, core := options[p.Type]
	if !core {
		t.Fatalf("%q is none of the panels that these dashboards are made of", p.Type)
	}
	strictly(t, "options", p.Options, known.panel())
	custom := p.FieldConfig.Defaults.Custom
	switch {
	case known.field == nil && custom != nil:
		t.Errorf("fields of a %s have no options of their own: %s", p.Type, custom)
	case known.field != nil:
		strictly(t, "options of its fields", custom, known.field())
	}
}

// A column is named after what a query yields, and renaming or hiding one that is not there does nothing, silently.
func TestTheTablesKnowTheirColumns(t *testing.T) {
	known := documented(t)
	for file, d := range dashboards(t) {
		for _, p := range d.Panels {
			columns := map[string]bool{"Time": true}
			for _, q := range p.Targets {
				columns["Value #"+q.RefID] = len(p.Targets) > 1
				columns["Value"] = len(p.Targets) == 1
				for _, s := range selectorsOf(parsed(t, q.Expr)) {
					maps.Copy(columns, known[s.Name].labels)
					columns["instance"] = true
				}
			}
			for _, transformation := range p.Transformations {
				o := transformation.Options
				for _, name := range slices.Concat(keys(o.ExcludeByName), keys(o.RenameByName), keys(o.IndexByName)) {
					if !columns[name] {
						t.Errorf("%s, %s: no query yields %q", file, p.Title, name)
					}
				}
			}
		}
	}
}

func keys[V any](m map[string]V) []string { return slices.Collect(maps.Keys(m)) }

// Provisioning files are read by Grafana alone; a key that it does not know it ignores.
func TestTheProvisioning(t *testing.T) {
	type provider struct {
		Name, Folder, Type    string
		DisableDeletion       bool `yaml:"disableDeletion"`
		UpdateIntervalSeconds int  `yaml:"updateIntervalSeconds"`
		AllowUIUpdates        bool `yaml:"allowUiUpdates"`
		Options               struct{ Path string }
	}
	type datasource struct {
		Name, UID, Type, Access, URL string
		JSONData                     struct {
			HTTPMethod   string `yaml:"httpMethod"`
			TimeInterval string `yaml:"timeInterval"`
		} `yaml:"jsonData"`
	}
	var found struct {
		APIVersion  int `yaml:"apiVersion"`
		Providers   []provider
		Datasources []datasource
	}
	for _, file := range []string{"provisioning/dashboards/postflight.yml", "provisioning/datasources/postflight.yml"} {
		content, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer content.Close()
		found.APIVersion = 0
		decoder := yaml.NewDecoder(content)
		decoder.KnownFields(true)
		if err := decoder.Decode(&found); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if found.APIVersion != 1 {
			t.Errorf("%s has version %d, Grafana knows 1", file, found.APIVersion)
		}
	}
	if len(found.Providers) != 1 || found.Providers[0].Type != "file" || found.Providers[0].Options.Path == "" {
		t.Errorf("dashboards come from %+v, want one directory", found.Providers)
	}
	if len(found.Datasources) != 1 || found.Datasources[0].Type != "prometheus" || found.Datasources[0].URL == "" {
		t.Errorf("data sources are %+v, want one Prometheus", found.Datasources)
	}
}

// queryOf is the text of a variable's query.
func queryOf(t *testing.T, v variable) string {
	t.Helper()
	var q struct {
		Query, RefID string
		QryType      int
	}
	strictly(t, "variable "+v.Name, v.Query, &q)
	return q.Query
}
