package page

import (
	"context"
	"io"

	"github.com/a-h/templ"

	"kenshin/drill/button"
)

// ReportSheetPage is the one page for staff who have no button. contact is whom they call.
func ReportSheetPage(s Shell, v button.Spec, contact string) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		return reportSheet(s, v, contact).Render(context.WithValue(ctx, shellKey{}, s), w)
	})
}
