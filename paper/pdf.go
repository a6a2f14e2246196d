package paper

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"kenshin/fault"
)

// maxPDF is how long a page may take to become a PDF.
const maxPDF = 30 * time.Second

// browsers are the programs that can make a PDF, by the names that distributions give them.
var browsers = []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge"}

// HasPDF reports whether PDF can work on this machine.
func HasPDF() bool { return browser() != "" }

func browser() string {
	for _, name := range browsers {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// PDF prints one self-contained HTML page by a Chromium of this machine, as its @page rules say. Its own policy has to forbid scripts and fetching; the
// browser is told to resolve no name. Unavailable where there is no Chromium or it does not run.
func PDF(ctx context.Context, page []byte) (pdf []byte, err error) {
	path := browser()
	if path == "" {
		return nil, fault.New(fault.Unavailable, "この機械にChromiumがないので、PDFを作れません。", "There is no Chromium on this machine to make a PDF.")
	}
	dir, err := os.MkdirTemp("", "kenshin-pdf-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for the PDF: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	in, out := filepath.Join(dir, "page.html"), filepath.Join(dir, "page.pdf")
	if err := os.WriteFile(in, page, 0o600); err != nil {
		return nil, fmt.Errorf("write the page: %w", err)
	}
	args := []string{"--headless", "--disable-gpu", "--disable-extensions", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run",
		"--disable-dev-shm-usage", "--host-resolver-rules=MAP * ~NOTFOUND", "--user-data-dir=" + filepath.Join(dir, "profile"),
		"--no-pdf-header-footer", "--print-to-pdf=" + out}
	if os.Geteuid() == 0 {
		args = append(args, "--no-sandbox") // Chromium refuses to start as root otherwise
	}
	ctx, cancel := context.WithTimeout(ctx, maxPDF)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, append(args, "file://"+in)...)
	cmd.Dir, cmd.WaitDelay = dir, time.Second
	cmd.Env = append(os.Environ(), "HOME="+dir)
	says, err := cmd.CombinedOutput()
	if err == nil {
		pdf, err = os.ReadFile(out)
	}
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, fmt.Errorf("%s: %w: %.300s", path, err, says), "ChromiumでPDFを作れませんでした。", "Chromium could not make the PDF.")
	}
	return pdf, nil
}
