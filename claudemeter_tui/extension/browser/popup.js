// Draws what the worker knows, once a second. Text of the host is text, never markup.
"use strict";

const problem = document.getElementById("problem");
const lines = document.getElementById("lines");
const age = document.getElementById("age");
const button = document.getElementById("refresh");

function formatAge(readAt) {
  if (readAt === null) return "";
  const seconds = Math.max(0, Math.floor((Date.now() - readAt) / 1000));
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const span = hours ? `${hours}h ${minutes % 60}m` : minutes ? `${minutes}m` : `${seconds}s`;
  return `read ${span} ago`;
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function draw(state) {
  problem.hidden = state.problem === null;
  setText(problem, state.problem ?? "");
  const texts = state.problem === null && !state.lines.length ? ["Waiting for claudemeter-tui."] : state.lines;
  if (texts.join("\n") !== Array.from(lines.children, (line) => line.textContent).join("\n")) {
    lines.replaceChildren(...texts.map((text) => Object.assign(document.createElement("div"), { textContent: text })));
  }
  setText(age, formatAge(state.read_at));
  setText(button, state.isRefreshing ? "Refreshing…" : "Refresh now");
  button.disabled = state.isRefreshing;
}

async function ask(message) {
  draw(await chrome.runtime.sendMessage(message));
}

button.addEventListener("click", () => ask("refresh"));
setInterval(() => ask("look"), 1000);
ask("open");
