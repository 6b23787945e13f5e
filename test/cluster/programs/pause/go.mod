module will/pause

go 1.24.0
