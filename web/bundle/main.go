// Command bundle makes web/asset/dist from app.ts, bundle.css and the npm packages of web/asset/package-lock.json:
//
//	cd web/asset && npm ci && cd ../.. && go run ./web/bundle
//
// No Node runs: esbuild is used as a Go library. Licences of what is bundled land beside each file in NAME.LEGAL.txt.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/evanw/esbuild/pkg/api"
)

func main() {
	if err := run("web/asset"); err != nil {
		fmt.Fprintln(os.Stderr, "bundle:", err)
		os.Exit(1)
	}
}

func run(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, "node_modules")); err != nil {
		return fmt.Errorf("%s has no node_modules; run npm ci there first: %w", dir, err)
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("finding %s: %w", dir, err)
	}
	result := api.Build(api.BuildOptions{
		AbsWorkingDir: abs,
		EntryPointsAdvanced: []api.EntryPoint{
			{InputPath: "app.ts", OutputPath: "app"},
			{InputPath: "bundle.css", OutputPath: "app"},
		},
		Outdir:            filepath.Join(abs, "dist"),
		Bundle:            true,
		Write:             true,
		MinifyWhitespace:  true,
		MinifySyntax:      true,
		MinifyIdentifiers: true,
		Format:            api.FormatIIFE,
		Target:            api.ES2022,
		Charset:           api.CharsetUTF8,
		LegalComments:     api.LegalCommentsExternal,
		LogLevel:          api.LogLevelInfo,
	})
	if len(result.Errors) > 0 {
		return fmt.Errorf("esbuild found %d errors", len(result.Errors))
	}
	return licences(abs)
}

// licences copies the licence texts of the packages that the bundle contains; minified sources do not carry them.
func licences(dir string) error {
	var all []byte
	for _, name := range []string{"htmx.org", "@digital-go-jp/design-tokens"} {
		text, err := os.ReadFile(filepath.Join(dir, "node_modules", filepath.FromSlash(name), "LICENSE"))
		if err != nil {
			return fmt.Errorf("reading the licence of %s: %w", name, err)
		}
		all = fmt.Appendf(all, "%s\n\n%s\n\n", name, text)
	}
	if err := os.WriteFile(filepath.Join(dir, "dist", "LICENSES.txt"), all, 0o644); err != nil {
		return fmt.Errorf("writing licences: %w", err)
	}
	return nil
}
