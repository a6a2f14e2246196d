// Package kenshin_test holds the rules of the house: which floor may import which, who may open sockets, and that every package says what it is for.
package kenshin_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// floors lists the house from the ground up. A package may import lower floors only, and not its neighbours; a parent may import its
// sub-packages, sub-packages never each other or their parent. "job" and "store" are the machinery that the rest of floor 1 stands on.
var floors = [][]string{
	{"fault", "i18n"},
	{"facility", "actor", "netid", "jp"},
	{"store"},
	{"job"},
	{"schedule", "trail", "seal", "setting", "blob", "notify", "feed", "paper"},
	{"account", "supplier", "observation", "ledger", "finding", "evidence", "event", "register", "catalogue", "advisory", "mds"},
	{"gate"},
	{"discover", "identify", "topology", "remote", "watch", "proof"},
	{"exposure", "guard", "assess", "drill", "continuity"},
	{"checkup", "dock", "desk"},
	{"web", "api", "outside"},
	{"app"},
	{"cmd"},
	{"e2e", "packaging"},
}

// within names the floor of sub-packages that do not live on their parent's floor.
var within = map[string][]string{
	// the sheet reads and writes the ledger's devices: it is a part of the ledger that knows its parent
	"ledger/sheet": {"ledger"},
}

func floorOf(pkg string) int {
	top, _, _ := strings.Cut(pkg, "/")
	return slices.IndexFunc(floors, func(f []string) bool { return slices.Contains(f, top) })
}

type file struct {
	pkg, name string
	ast       *ast.File
}

// sources parses every Go file of the module that is not a test, generated code included.
func sources(t *testing.T) (*token.FileSet, []file) {
	t.Helper()
	fset := token.NewFileSet()
	var files []file
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && p != ".") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(p, ".go") || strings.HasSuffix(p, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(fset, p, nil, parser.ParseComments)
		files = append(files, file{filepath.ToSlash(filepath.Dir(p)), p, f})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return fset, files
}

func TestImportsGoDownOnly(t *testing.T) {
	_, files := sources(t)
	for _, f := range files {
		if strings.HasPrefix(f.pkg, "internal/") {
			continue
		}
		from := floorOf(f.pkg)
		if from < 0 && f.pkg != "." {
			t.Errorf("%s: package %s is on no floor", f.name, f.pkg)
			continue
		}
		for _, imp := range f.ast.Imports {
			p := strings.Trim(imp.Path.Value, `"`)
			to, ours := strings.CutPrefix(p, "kenshin/")
			if !ours {
				continue
			}
			if strings.HasPrefix(to, "internal/") {
				t.Errorf("%s imports %s: test helpers never reach the product", f.name, to)
				continue
			}
			if !mayImport(f.pkg, to, from, floorOf(to)) {
				t.Errorf("%s (floor %d) imports %s (floor %d)", f.name, from, to, floorOf(to))
			}
		}
	}
}

func mayImport(from, to string, fromFloor, toFloor int) bool {
	switch {
	case toFloor < fromFloor:
		return true
	case strings.HasPrefix(to, from+"/"): // a parent and its sub-packages
		return true
	case slices.Contains(within[from], to):
		return true
	case strings.Contains(to, "/internal/"): // what the sub-packages of one folder share; the compiler keeps others out
		top, _, _ := strings.Cut(to, "/")
		return strings.HasPrefix(from, top+"/")
	case strings.HasPrefix(from, "web/") && strings.HasPrefix(to, "web/"): // pages share the assets
		return to == "web/asset"
	}
	return false
}

// sockets are the calls that could send something to a device. Only gate makes them; store, web, app and notify talk to the database, to the
// browser and to the mail relay.
var sockets = map[string][]string{
	"net":                                 {"Dial", "DialTimeout", "DialTCP", "DialUDP", "DialIP", "Dialer", "ListenPacket", "ListenUDP", "ListenMulticastUDP", "ListenIP"},
	"net/http":                            {"Get", "Post", "Head", "PostForm", "DefaultClient"},
	"golang.org/x/sys/unix":               {"Socket"},
	"syscall":                             {"Socket"},
	"github.com/mdlayher/packet":          {"Listen"},
	"github.com/gopacket/gopacket/pcapgo": {"NewEthernetHandle"},
	"golang.org/x/net/icmp":               {"ListenPacket"},
}

var maySocket = []string{"gate", "notify", "app", "cmd/kenshin",
	// mail servers and DNS, never devices: addresses come from an administrator's settings, or from the MX of a verified domain
	"drill/internal/wire", "drill/relay",
}

func TestOnlyTheGateOpensSockets(t *testing.T) {
	fset, files := sources(t)
	for _, f := range files {
		if slices.Contains(maySocket, f.pkg) || strings.Contains(f.pkg, "internal/") && strings.HasSuffix(f.pkg, "test") {
			continue
		}
		names := map[string]string{}
		for _, imp := range f.ast.Imports {
			p := strings.Trim(imp.Path.Value, `"`)
			name := path.Base(p)
			if imp.Name != nil {
				name = imp.Name.Name
			}
			names[name] = p
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := sel.X.(*ast.Ident); ok && slices.Contains(sockets[names[x.Name]], sel.Sel.Name) {
				t.Errorf("%s: %s.%s outside gate", fset.Position(n.Pos()), names[x.Name], sel.Sel.Name)
			}
			return true
		})
		if _, snmp := names["gosnmp"]; snmp {
			ast.Inspect(f.ast, func(n ast.Node) bool {
				if sel, ok := n.(*ast.SelectorExpr); ok && (sel.Sel.Name == "Connect" || sel.Sel.Name == "ConnectIPv4" || sel.Sel.Name == "ConnectIPv6") {
					t.Errorf("%s: an SNMP connection outside gate", fset.Position(n.Pos()))
				}
				return true
			})
		}
	}
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	_, files := sources(t)
	said := map[string]bool{}
	for _, f := range files {
		said[f.pkg] = said[f.pkg] || f.ast.Doc != nil && strings.TrimSpace(f.ast.Doc.Text()) != ""
	}
	for pkg, ok := range said {
		if !ok {
			t.Errorf("package %s has no comment that says what it is for", pkg)
		}
	}
}

func TestNoInitAndShortFiles(t *testing.T) {
	fset, files := sources(t)
	for _, f := range files {
		if strings.HasSuffix(f.name, "_templ.go") {
			continue
		}
		if lines := fset.Position(f.ast.End()).Line; lines > 550 {
			t.Errorf("%s has %d lines: split it", f.name, lines)
		}
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Name.Name == "init" && fn.Recv == nil {
				t.Errorf("%s: an init function", fset.Position(fn.Pos()))
			}
		}
	}
}

func TestDomainsKnowNothingOfHTTP(t *testing.T) {
	_, files := sources(t)
	top := slices.IndexFunc(floors, func(f []string) bool { return slices.Contains(f, "web") })
	for _, f := range files {
		n := floorOf(f.pkg)
		if n < 0 || n >= top || strings.HasPrefix(f.pkg, "internal/") {
			continue
		}
		for _, imp := range f.ast.Imports {
			// go-webauthn's response parser and discover's answers are the two that read HTTP's own types; drill/relay and drill/bearer are
			// clients of Microsoft 365, Gmail and their sign-in servers, which speak nothing else
			if imp.Path.Value == `"net/http"` && !strings.HasPrefix(f.pkg, "discover/") && f.pkg != "account" && f.pkg != "drill/relay" && f.pkg != "drill/bearer" {
				t.Errorf("%s imports net/http: domains know nothing of HTTP", f.name)
			}
		}
	}
}
