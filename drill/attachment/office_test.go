package attachment

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
)

var addresses = regexp.MustCompile(`https?://[^\s"'<>)&]+`)

// parts opens a file: the entries of an Office file, else the file itself.
func parts(t testing.TB, f File) map[string][]byte {
	t.Helper()
	if !strings.Contains(f.Type, "openxmlformats") {
		return map[string][]byte{"": f.Body}
	}
	z, err := zip.NewReader(bytes.NewReader(f.Body), int64(len(f.Body)))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]byte{}
	for _, e := range z.File {
		r, err := e.Open()
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if _, twice := all[e.Name]; twice || !e.Modified.IsZero() && e.Modified.Year() > 1980 {
			t.Errorf("entry %s: twice, or with a time (%v)", e.Name, e.Modified)
		}
		all[e.Name] = body
	}
	return all
}

type relXML struct{ ID, Type, Target, TargetMode string }

// checkPackage holds an Office file against ECMA-376 part 2 as strictly as Office does: each part is well-formed and has its type, each
// relationship its target and each r:id its relationship; and against our own rule: outside are one picture and one link, no more.
func checkPackage(t testing.TB, f File, beacon, link string) {
	t.Helper()
	all := parts(t, f)
	var types struct {
		Default  []struct{ Extension, ContentType string } `xml:"Default"`
		Override []struct{ PartName, ContentType string }  `xml:"Override"`
	}
	attrs(t, all["[Content_Types].xml"], &types)
	typed := map[string]string{}
	for _, o := range types.Override {
		typed[o.PartName] = o.ContentType
		if _, ok := all[strings.TrimPrefix(o.PartName, "/")]; !ok {
			t.Errorf("%s: a type for %s, which is not there", f.Name, o.PartName)
		}
	}
	outside := map[string][]string{}
	reached := map[string]bool{}
	for name, body := range all {
		wellFormed(t, f.Name+" "+name, body)
		isRels := strings.HasSuffix(name, ".rels")
		if !isRels && name != "[Content_Types].xml" && typed["/"+name] == "" {
			t.Errorf("%s: %s has no type", f.Name, name)
		}
		for _, bad := range []string{"vba", "macro", "ole", "activex", "embed", "attachedtemplate", "dde", "script", "externallink", "altchunk", "instrtext"} {
			if strings.Contains(strings.ToLower(name+typed["/"+name]), bad) {
				t.Errorf("%s: %s %s", f.Name, name, typed["/"+name])
			}
		}
		for _, bad := range []string{"r:embed", "<f>", "instrText", "oleObj", "altChunk", "action="} {
			if strings.Contains(string(body), bad) && !isRels {
				t.Errorf("%s: %s holds %s", f.Name, name, bad)
			}
		}
		if !isRels {
			ids := relsOf(t, all, name)
			for _, m := range regexp.MustCompile(`r:(?:id|link)="([^"]*)"`).FindAllStringSubmatch(string(body), -1) {
				if _, ok := ids[m[1]]; !ok {
					t.Errorf("%s: %s names %s, which is no relationship", f.Name, name, m[1])
				}
			}
			continue
		}
		source := strings.TrimSuffix(strings.Replace(name, "_rels/", "", 1), ".rels")
		if _, ok := all[source]; source != "" && !ok {
			t.Errorf("%s: relationships of %s, which is not there", f.Name, source)
		}
		for _, r := range relsOf(t, all, source) {
			kind := path.Base(r.Type)
			if r.TargetMode == "External" {
				outside[kind] = append(outside[kind], r.Target)
				continue
			}
			target := path.Join(path.Dir(source), r.Target)
			if _, ok := all[target]; !ok {
				t.Errorf("%s: %s points to %s, which is not there", f.Name, name, target)
			}
			reached[target] = true
		}
	}
	for name := range typed {
		if !reached[strings.TrimPrefix(name, "/")] {
			t.Errorf("%s: nothing leads to %s", f.Name, name)
		}
	}
	links := 0
	if link != "" {
		links = 1
	}
	if len(outside["image"]) != 1 || outside["image"][0] != beacon || len(outside["hyperlink"]) != links || links == 1 && outside["hyperlink"][0] != link || len(outside) > 1+links {
		t.Errorf("%s points outside to %v", f.Name, outside)
	}
}

func relsOf(t testing.TB, all map[string][]byte, part string) map[string]relXML {
	t.Helper()
	var r struct {
		Relationship []relXML `xml:"Relationship"`
	}
	ids := map[string]relXML{}
	dir, base := path.Split(part)
	body, ok := all[dir+"_rels/"+base+".rels"]
	if !ok {
		return ids
	}
	attrs(t, body, &r)
	for _, x := range r.Relationship {
		if _, twice := ids[x.ID]; twice || x.ID == "" {
			t.Errorf("%s: relationship %q twice", part, x.ID)
		}
		ids[x.ID] = x
	}
	return ids
}

// attrs reads elements whose values are attributes: encoding/xml wants elements, so they are turned into such.
func attrs(t testing.TB, body []byte, into any) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(body))
	var out bytes.Buffer
	for {
		tok, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("%v in %s", err, body)
		}
		switch e := tok.(type) {
		case xml.StartElement:
			out.WriteString("<" + e.Name.Local + ">")
			for _, a := range e.Attr {
				if a.Name.Space == "" && a.Name.Local != "xmlns" {
					name := a.Name.Local
					if name == "Id" {
						name = "ID"
					}
					out.WriteString("<" + name + ">" + esc(a.Value) + "</" + name + ">")
				}
			}
		case xml.EndElement:
			out.WriteString("</" + e.Name.Local + ">")
		}
	}
	if err := xml.Unmarshal(out.Bytes(), into); err != nil {
		t.Fatal(err)
	}
}

func wellFormed(t testing.TB, name string, body []byte) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(body))
	for {
		tok, err := d.Token()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if s, ok := tok.(xml.StartElement); ok && (s.Name.Space == "" || !strings.HasPrefix(s.Name.Space, "http://")) {
			t.Errorf("%s: <%s> has no namespace (%q)", name, s.Name.Local, s.Name.Space)
		}
	}
}

func TestOfficeFiles(t *testing.T) {
	for _, k := range []Kind{DOCX, XLSX, PPTX} {
		c := content()
		f := build(t, k, c)
		checkPackage(t, f, c.Beacon, c.Link)
		var text strings.Builder
		for name, body := range parts(t, f) {
			if strings.HasSuffix(name, "document.xml") || strings.HasSuffix(name, "sheet1.xml") || strings.HasSuffix(name, "slide1.xml") {
				text.Write(body)
			}
		}
		for _, want := range append(c.Paragraphs, c.Title, c.LinkText) {
			if !strings.Contains(text.String(), ">"+esc(want)+"<") {
				t.Errorf("%s does not show %q", k, want)
			}
		}
		c.Link, c.Paragraphs = "", nil
		checkPackage(t, build(t, k, c), c.Beacon, "")
	}
}

// Another program's reader: every cell is text, none a formula.
func TestSheetReadByExcelize(t *testing.T) {
	c := content()
	x, err := excelize.OpenReader(bytes.NewReader(build(t, XLSX, c).Body))
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	rows, err := x.GetRows("Sheet1")
	if err != nil || len(rows) != 5 || rows[0][0] != c.Title || rows[3][0] != c.Paragraphs[2] {
		t.Errorf("rows %v, %v", rows, err)
	}
	if formula, _ := x.GetCellFormula("Sheet1", "A4"); formula != "" {
		t.Errorf("a formula %q", formula)
	}
	if has, target, err := x.GetCellHyperLink("Sheet1", "A5"); !has || target != c.Link || err != nil {
		t.Errorf("link %v %q %v", has, target, err)
	}
}

// LibreOffice is too heavy for every machine; where it stands, it must show the text of each file.
func TestOfficeFilesInLibreOffice(t *testing.T) {
	soffice, err := exec.LookPath("soffice")
	if err != nil {
		t.Skip("no LibreOffice here")
	}
	if _, err := exec.LookPath("pdftotext"); err != nil {
		t.Skip("no pdftotext; apt-get install poppler-utils")
	}
	c := content()
	c.Beacon = "http://127.0.0.1:9/a.png" // nothing may leave this machine
	for _, k := range []Kind{DOCX, XLSX, PPTX} {
		dir := t.TempDir()
		name := filepath.Join(dir, "a."+string(k))
		if err := os.WriteFile(name, build(t, k, c).Body, 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(soffice, "-env:UserInstallation=file://"+dir+"/profile", "--headless", "--convert-to", "pdf", "--outdir", dir, name).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v %s", k, err, out)
		}
		text, err := exec.Command("pdftotext", "-raw", filepath.Join(dir, "a.pdf"), "-").Output()
		squeeze := strings.NewReplacer(" ", "", "\n", "", "\f", "")
		for _, want := range append(c.Paragraphs, c.Title, c.LinkText) {
			if err != nil || !strings.Contains(squeeze.Replace(string(text)), squeeze.Replace(want)) {
				t.Errorf("%s: LibreOffice does not show %q (%v):\n%s", k, want, err, text)
			}
		}
	}
}
