package pluginproc

// ClampFiles is for tests.
var ClampFiles = clampFiles
