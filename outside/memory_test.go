package outside

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"kenshin/drill"
	"kenshin/drill/attachment"
	"kenshin/internal/browsertest"
	"kenshin/store"
)

// served is what the process of the pages tells of itself.
type served struct{ Base, Dir, Visited, Attached string }

// TestPagesProcess is no test: it is the process into whose memory TestWhatIsTypedIsNotInTheMemory looks.
func TestPagesProcess(t *testing.T) {
	if os.Getenv("KENSHIN_PAGES") == "" {
		t.Skip("only as a process that another test looks into")
	}
	r := newRig(t)
	m := parcelMail()
	m.Landing, m.FromName = "webmail", "ひばり院内メール"
	_, token := r.sent(drill.Standard, m)
	line, err := json.Marshal(served{r.base, r.dir, token[drill.Visited], token[drill.Attached]})
	r.must(err)
	fmt.Printf("serves %s\n", line)
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		to := filepath.Join(r.dir, in.Text())
		_, err := r.db.Backup(t.Context(), to, store.BackupOptions{})
		fmt.Printf("backup %v\n", err)
	}
}

// memory searches everything that a process has mapped and may read, as a core dump holds it.
func memory(t *testing.T, pid int, texts ...string) map[string]int {
	t.Helper()
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		t.Fatal(err)
	}
	mem, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		t.Fatal(err)
	}
	defer mem.Close()
	n := map[string]int{}
	for line := range strings.Lines(string(maps)) {
		field := strings.Fields(line)
		low, high, _ := strings.Cut(field[0], "-")
		from, err1 := strconv.ParseInt(low, 16, 64)
		to, err2 := strconv.ParseInt(high, 16, 64)
		if err1 != nil || err2 != nil || field[1][0] != 'r' || to-from > 1<<30 {
			continue
		}
		b := make([]byte, to-from)
		got, _ := mem.ReadAt(b, from) // some ranges cannot be read
		for _, s := range texts {
			n[s] += bytes.Count(b[:got], []byte(s))
		}
	}
	return n
}

// What is typed into the landing page and into the attachment in Chromium, and what a hand-made POST carries, is in no file of the data folder, in no
// backup, and not in the memory of the process, as a core dump would hold it.
func TestWhatIsTypedIsNotInTheMemory(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestPagesProcess$", "-test.v") //nolint:gosec // this very test
	cmd.Env = append(os.Environ(), "KENSHIN_PAGES=1")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = in.Close()
		_, _ = io.Copy(io.Discard, out)
		_ = cmd.Wait()
	}()
	lines := bufio.NewScanner(out)
	said := func(word string) string {
		for lines.Scan() {
			if _, rest, ok := strings.Cut(lines.Text(), word+" "); ok {
				return rest
			}
		}
		t.Fatal("the process said nothing")
		return ""
	}
	var at served
	if err := json.Unmarshal([]byte(said("serves")), &at); err != nil {
		t.Fatal(err)
	}
	// the words never stand in this test's program as they are, since the process is the same program
	word := func(what string) string {
		return strings.Join([]string{"hunter2", what, strconv.Itoa(os.Getpid())}, "~")
	}
	typed, filed, posted := word("typed"), word("filed"), word("posted")

	tab := browsertest.Open(t)
	tab.Go(at.Base + "/" + at.Visited)
	tab.Type("label:nth-of-type(1) input", typed+"\r")
	tab.Type("label:nth-of-type(2) input", typed+"\r")
	tab.Wait(`document.querySelector("input[type=password]").value.startsWith("hunter2")`)
	tab.Click("a.btn")
	tab.Wait(`location.pathname.endsWith("/more")`)
	f, err := attachment.Make(attachment.HTML, "確認.html", attachment.Content{Title: "確認", Paragraphs: []string{"本文"}, SignIn: true, Beacon: at.Base + "/" + at.Attached + ".gif", Link: at.Base + "/" + at.Attached, When: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "a.html")
	if err := os.WriteFile(name, f.Body, 0o600); err != nil {
		t.Fatal(err)
	}
	tab.Go("file://" + name)
	tab.Wait(`document.querySelector("img").complete`)
	tab.Type("label:nth-of-type(1) input", filed+"\r")
	tab.Type("label:nth-of-type(2) input", filed+"\r")
	tab.Click("a.go")
	tab.Wait(`location.href.startsWith("http")`)

	for _, body := range []string{"user=x&password=" + posted, `{"password":"` + posted + `"}`, posted + strings.Repeat("\n"+posted, 20_000)} {
		c, err := net.Dial("tcp", strings.TrimPrefix(at.Base, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(c, "POST /%s HTTP/1.1\r\nHost: x\r\nUser-Agent: control~agent\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", at.Visited, len(body), body)
		_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
		answer := make([]byte, 1000)
		n, err := c.Read(answer)
		if !bytes.HasPrefix(answer[:n], []byte("HTTP/1.1 413")) {
			t.Errorf("%q %v", answer[:n], err)
		}
		_ = c.Close()
	}
	if _, err := io.WriteString(in, "copy.backup\n"); err != nil {
		t.Fatal(err)
	}
	if err := said("backup"); err != "<nil>" {
		t.Fatal(err)
	}

	n := memory(t, cmd.Process.Pid, typed, filed, posted, at.Visited)
	if n[at.Visited] == 0 {
		t.Fatal("not even the address that was asked for is in the memory: the search finds nothing anyway")
	}
	if n[typed]+n[filed]+n[posted] > 0 {
		t.Errorf("in the memory: typed %d, typed into the attachment %d, posted %d times", n[typed], n[filed], n[posted])
	}
	files, err := os.ReadDir(at.Dir)
	if err != nil {
		t.Fatal(err)
	}
	seen := false
	for _, f := range files {
		b, err := os.ReadFile(filepath.Join(at.Dir, f.Name()))
		if err != nil {
			continue
		}
		if f.Name() == "copy.backup" {
			if b, err = unpacked(b); err != nil {
				t.Fatal(err)
			}
			seen = bytes.Contains(b, []byte("Chrome"))
		}
		if bytes.Contains(b, []byte("hunter2")) || bytes.Contains(b, []byte("control~agent")) {
			t.Errorf("it is in %s", f.Name())
		}
	}
	if !seen {
		t.Error("the backup has not even the browser's name: the search finds nothing anyway")
	}
}

func unpacked(b []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}
