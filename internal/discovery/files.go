package discovery

import "context"

type fileList struct{ Files }

func newFileList(files Files) *fileList { return &fileList{files} }

func (l *fileList) read(context.Context) ([]Target, error) { return nil, nil }
