// Starts what a page needs. Without it the pages work; they only don't move by themselves.
import { startBrush } from "./brush.js";
import { startKeys } from "./keys.js";
import { startLive } from "./live.js";
import { startPalette } from "./palette.js";
import { startPopups } from "./popups.js";
import { startSelection } from "./select.js";
import { startSuggestions } from "./suggest.js";
import { startTheme } from "./theme.js";

startTheme();
startPopups();
startKeys();
startPalette();
startSelection();
startSuggestions();
startBrush();
startLive();
