package button

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"encoding/xml"
	"image/png"
	"io"
	"maps"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"kenshin/fault"
)

func spec() Spec {
	return Spec{House: "f1", Hospital: `見本<&"'>病院` + "\x01\uFFFF" + strings.Repeat("長", 90), ReportTo: "report@hospital.example.jp", Base: "https://drill.hospital.example", Door: 0x0abc, Made: time.Date(2026, 11, 28, 1, 5, 0, 0, time.UTC)}
}

// element is a part of a manifest.
type element struct {
	XMLName xml.Name
	Attrs   []xml.Attr `xml:",any,attr"`
	Kids    []element  `xml:",any"`
	Text    string     `xml:",chardata"`
}

func (e element) attr(name string) string {
	for _, a := range e.Attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

func (e element) names() (out []string) {
	for _, k := range e.Kids {
		out = append(out, k.XMLName.Local)
	}
	return out
}

func (e element) find(where string) (out []element) {
	head, rest, more := strings.Cut(where, "/")
	for _, k := range e.Kids {
		if k.XMLName.Local != head {
			continue
		}
		if more {
			out = append(out, k.find(rest)...)
		} else {
			out = append(out, k)
		}
	}
	return out
}

func (e element) all(each func(element)) {
	each(e)
	for _, k := range e.Kids {
		k.all(each)
	}
}

// What Microsoft's documentation of the manifest demands: the elements and their order, lengths, https, resources that exist and are used.
func TestOutlookManifestIsAsMicrosoftWantsIt(t *testing.T) {
	raw, err := spec().Outlook()
	if err != nil {
		t.Fatal(err)
	}
	var app element
	if err := xml.Unmarshal(raw, &app); err != nil {
		t.Fatal(err)
	}
	order := []string{"Id", "Version", "ProviderName", "DefaultLocale", "DisplayName", "Description", "IconUrl", "HighResolutionIconUrl", "SupportUrl", "AppDomains", "Hosts", "Requirements",
		"FormSettings", "Permissions", "Rule", "DisableEntityHighlighting", "VersionOverrides"}
	if !slices.Equal(app.names(), order) || app.XMLName.Space != "http://schemas.microsoft.com/office/appforoffice/1.1" || app.attr("type") != "MailApp" {
		t.Errorf("%s %v", app.XMLName, app.names())
	}
	text := func(where string) string { return app.find(where)[0].Text }
	if id := text("Id"); !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(id) {
		t.Errorf("id %s", id)
	}
	parts := strings.Split(text("Version"), ".")
	for _, p := range parts {
		if n, err := strconv.Atoi(p); err != nil || n > 65535 || strconv.Itoa(n) != p || len(parts) != 4 {
			t.Errorf("version %s", text("Version"))
		}
	}
	if text("Permissions") != "ReadItem" || app.find("Hosts/Host")[0].attr("Name") != "Mailbox" || app.find("Requirements/Sets/Set")[0].attr("MinVersion") != "1.6" {
		t.Error("rights, host or requirement")
	}
	short := func(name, s string, most int) {
		if n := len([]rune(s)); n == 0 || n > most {
			t.Errorf("%s has %d characters, at most %d", name, n, most)
		}
	}
	short("provider", text("ProviderName"), 125)
	short("name", app.find("DisplayName")[0].attr("DefaultValue"), 125)
	short("description", app.find("Description")[0].attr("DefaultValue"), 250)
	over := app.find("VersionOverrides")[0]
	if !slices.Equal(over.names(), []string{"Requirements", "Hosts", "Resources"}) || over.attr("type") != "VersionOverridesV1_0" || over.XMLName.Space != "http://schemas.microsoft.com/office/mailappversionoverrides" {
		t.Errorf("%v", over.names())
	}
	res := over.find("Resources")[0]
	if !slices.Equal(res.names(), []string{"Images", "Urls", "ShortStrings", "LongStrings"}) {
		t.Errorf("%v", res.names())
	}
	defined, used := map[string]bool{}, map[string]bool{}
	for _, kind := range res.Kids {
		for _, r := range kind.Kids {
			defined[r.attr("id")] = true
			short("id", r.attr("id"), 32)
			switch kind.XMLName.Local {
			case "ShortStrings":
				short(r.attr("id"), r.attr("DefaultValue"), 125)
			case "LongStrings":
				short(r.attr("id"), r.attr("DefaultValue"), 250)
			}
		}
	}
	over.find("Hosts")[0].all(func(e element) {
		if id := e.attr("resid"); id != "" {
			used[id] = true
		}
	})
	if !maps.Equal(defined, used) {
		t.Errorf("defined %v, used %v", defined, used)
	}
	button := over.find("Hosts/Host/DesktopFormFactor/ExtensionPoint/OfficeTab/Group/Control")[0]
	if !slices.Equal(button.names(), []string{"Label", "Supertip", "Icon", "Action"}) || len(button.find("Icon/Image")) != 3 || button.find("Action/FunctionName")[0].Text != "reportMail" {
		t.Errorf("%v", button.names())
	}
	app.all(func(e element) {
		for _, a := range e.Attrs {
			if strings.Contains(a.Value, "://") && a.Name.Space != "xmlns" && a.Name.Local != "xmlns" {
				if u, err := url.Parse(a.Value); err != nil || u.Scheme != "https" || u.Host != "drill.hospital.example" {
					t.Errorf("%s %s", e.XMLName.Local, a.Value)
				}
			}
		}
	})
	if !strings.Contains(string(raw), "/-/report/00000abc/outlook") || strings.Contains(string(raw), spec().ReportTo) {
		t.Error("the address of the page, or the report address in it")
	}
}

func TestThunderbirdExtensionRunsNothingOfOthers(t *testing.T) {
	raw, err := spec().Thunderbird()
	if err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, f := range z.File {
		if path.Clean(f.Name) != f.Name || path.IsAbs(f.Name) || strings.Contains(f.Name, "..") || !regexp.MustCompile(`^[a-z0-9_./-]+$`).MatchString(f.Name) || files[f.Name] != nil {
			t.Errorf("file name %q", f.Name)
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if files[f.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
	var m struct {
		Version    int                               `json:"manifest_version"`
		Name       string                            `json:"name"`
		Number     string                            `json:"version"`
		Locale     string                            `json:"default_locale"`
		Settings   struct{ Gecko map[string]string } `json:"browser_specific_settings"`
		Rights     []string                          `json:"permissions"`
		Icons      map[string]string                 `json:"icons"`
		Background struct{ Scripts []string }
		Action     struct {
			Title string            `json:"default_title"`
			Icon  map[string]string `json:"default_icon"`
			Popup string            `json:"default_popup"`
		} `json:"message_display_action"`
	}
	if err := json.Unmarshal(files["manifest.json"], &m); err != nil {
		t.Fatal(err)
	}
	if m.Version != 2 || m.Number != "1.26.1128.105" || !slices.Equal(m.Rights, []string{"compose", "messagesRead"}) || m.Action.Popup != "" || m.Action.Title == "" ||
		!regexp.MustCompile(`^\{[0-9a-f-]{36}\}$`).MatchString(m.Settings.Gecko["id"]) || m.Settings.Gecko["strict_min_version"] == "" {
		t.Errorf("%+v", m)
	}
	for _, lang := range []string{"ja", "en"} {
		var words map[string]map[string]string
		if err := json.Unmarshal(files["_locales/"+lang+"/messages.json"], &words); err != nil || words["name"]["message"] == "" || words["tells"]["message"] == "" {
			t.Errorf("%s: %v %v", lang, words, err)
		}
	}
	for size, name := range m.Icons {
		if i, err := png.Decode(bytes.NewReader(files[name])); err != nil || strconv.Itoa(i.Bounds().Dx()) != size {
			t.Errorf("icon %s: %v", size, err)
		}
	}
	code := ""
	for _, name := range m.Background.Scripts {
		code += string(files[name])
	}
	for _, bad := range []string{"http:", "https:", "fetch", "XMLHttp", "eval", "import", "innerHTML", "Function("} {
		if strings.Contains(code, bad) {
			t.Errorf("%q in its program", bad)
		}
	}
	if !strings.Contains(code, `const reportTo = "report@hospital.example.jp";`) || !strings.Contains(code, `"forwardAsAttachment", { to: [reportTo] }`) {
		t.Errorf("%s", code)
	}
}

func TestButtonsOfFacilities(t *testing.T) {
	a, later, other := spec(), spec(), spec()
	later.Made, later.ReportTo = a.Made.Add(time.Minute), "new@hospital.example.jp"
	other.House = "f2"
	if a.id() != later.id() || a.id() == other.id() || a.version() >= later.version() {
		t.Errorf("%s %s, %s %s, %s", a.id(), a.version(), later.id(), later.version(), other.id())
	}
	first, err := a.Thunderbird()
	for range 8 { // the same settings make the same file, so that a checksum of it can be published
		if again, e := spec().Thunderbird(); err != nil || e != nil || !bytes.Equal(first, again) {
			t.Fatalf("the file differs: %v %v", err, e)
		}
	}
	for _, c := range []struct {
		change func(*Spec)
		ja     string
	}{
		{func(s *Spec) { s.ReportTo = "" }, "報告先アドレス"}, {func(s *Spec) { s.ReportTo = `"a b"@x.example` }, "report@hospital"}, {func(s *Spec) { s.ReportTo = "a@x.example\"];alert(1)" }, "report@hospital"},
		{func(s *Spec) { s.Base = "http://drill.hospital.example" }, "https://"}, {func(s *Spec) { s.Base = "" }, "https://"},
	} {
		s := spec()
		c.change(&s)
		if _, err := s.Outlook(); !fault.Is(err, fault.Invalid) || !strings.Contains(fault.Sentence(err, "ja"), c.ja) {
			t.Errorf("%v", err)
		}
	}
	offline := spec()
	offline.Base = ""
	if _, err := offline.Thunderbird(); err != nil { // needs no page
		t.Error(err)
	}
	u, err := url.Parse(spec().Mailto())
	if err != nil || u.Scheme != "mailto" || u.Opaque != "report@hospital.example.jp" || u.Query().Get("subject") != Subject {
		t.Errorf("%v %v", u, err)
	}
}

func FuzzButton(f *testing.F) {
	f.Add("見本病院", "report@hospital.example.jp", "https://drill.hospital.example")
	f.Fuzz(func(t *testing.T, hospital, to, base string) {
		s := Spec{House: "f", Hospital: hospital, ReportTo: to, Base: base}
		if raw, err := s.Outlook(); err == nil {
			if err := xml.Unmarshal(raw, new(element)); err != nil {
				t.Errorf("%v in %s", err, raw)
			}
		}
		if raw, err := s.Thunderbird(); err == nil {
			if _, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw))); err != nil {
				t.Error(err)
			}
		}
	})
}
