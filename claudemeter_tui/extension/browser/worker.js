// Requests what the host names, only from the list below, and shows what the host says.
// Reads no cookie and no page: the browser adds the cookies of claude.ai itself.
"use strict";

const HOST_NAME = "com.claudemeter.tui";
const ORIGIN = "https://claude.ai";
const UUID = "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}";
const ORG = `/api/organizations/${UUID}`;

// Every request that this extension can send. Each is a GET, and the whole path must match.
const PATHS = [
  "/api/account",
  "/api/organizations",
  `${ORG}/usage`,
  `${ORG}/usage\\?cedar_ember=1`,
  `${ORG}/overage_spend_limit`,
  `${ORG}/overage_spend_limit\\?account_uuid=${UUID}`,
  `${ORG}/prepaid/credits`,
  `${ORG}/subscription_details`,
].map((path) => new RegExp(`^${path}$`));

const KEPT_HEADERS = ["content-type", "retry-after", "cf-mitigated"];
const MAX_HEADER_LENGTH = 200; // characters
const MAX_BODY_SIZE = 1 << 20; // bytes
const TIMEOUT = 10_000; // milliseconds, headers and body
const REFRESH_TIMEOUT = 25_000; // milliseconds; a poll of the host ends after 20 seconds
const MAX_FIGURE_AGE = 15 * 60_000; // milliseconds until the host calls a verdict UNKNOWN, too
const CONNECT_PAUSE = 5_000; // milliseconds between two automatic attempts
const RELOAD_PAUSE = 10 * 60_000; // milliseconds

// Each has a contrast of at least 5 to 1 with the white text. The text alone says the same.
const BADGE_COLORS = { normal: "#1a7050", warning: "#846100", critical: "#ba0040", unknown: "#4f5c69" };
const INSTALL = "\nRun: claudemeter-tui --extension install";
const PROBLEMS = [
  [/host not found/, `claudemeter-tui is not installed for this browser.${INSTALL}`],
  [/forbidden/, `The installed claudemeter-tui does not know this extension.${INSTALL}`],
  [/failed to start/i, `The browser could not start claudemeter-tui.${INSTALL}`],
];
const HOST_SILENT = "claudemeter-tui ended at once.\nRun: claudemeter-tui --extension status";
const HOST_ENDED = "claudemeter-tui ended. It is started again within a minute.";
const NOTHING_SHOWN = { badge: "?", level: "unknown", title: "", lines: [], read_at: null };

let port = null;
let attemptedAt = 0;
let refreshEndsAt = 0;
let shown = NOTHING_SHOWN;
let problem = null;

async function readText(response) {
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (let size = 0; reader; ) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    if (size > MAX_BODY_SIZE) {
      await reader.cancel();
      return null;
    }
    text += decoder.decode(value, { stream: true });
  }
  return text + decoder.decode();
}

async function get(path) {
  if (typeof path !== "string" || !PATHS.some((pattern) => pattern.test(path))) return { error: "refused" };
  try {
    const response = await fetch(ORIGIN + path, {
      method: "GET",
      credentials: "include",
      redirect: "error",
      cache: "no-store",
      signal: AbortSignal.timeout(TIMEOUT),
    });
    const body = await readText(response);
    if (body === null) return { error: "too large" };
    const kept = KEPT_HEADERS.filter((name) => response.headers.has(name));
    const headers = kept.map((name) => [name, response.headers.get(name).slice(0, MAX_HEADER_LENGTH)]);
    return { status: response.status, headers: Object.fromEntries(headers), body };
  } catch (error) {
    if (error.name === "TimeoutError") return { error: "timeout" };
    return { error: navigator.onLine ? "failed" : "offline" };
  }
}

// The badge has room for three characters: of "100%", Chromium cuts both ends.
function fitBadge(text) {
  return (text.length > 3 ? text.replace("%", "") : text).slice(0, 4);
}

function display(message) {
  const isOld = message.read_at !== null && Math.abs(Date.now() - message.read_at) > MAX_FIGURE_AGE;
  shown = message;
  const level = !isOld && Object.hasOwn(BADGE_COLORS, message.level) ? message.level : "unknown";
  chrome.action.setBadgeText({ text: isOld ? "?" : message.badge });
  chrome.action.setBadgeBackgroundColor({ color: BADGE_COLORS[level] });
  chrome.action.setBadgeTextColor({ color: "#ffffff" });
  chrome.action.setTitle({ title: problem ?? (message.title || "claudemeter") });
}

// Loads the renewed files. If the browser loads other ones, the host asks again: the time of the last reload
// prevents a loop. It is the name of an empty cache, which outlives the reload and needs no permission.
async function reload() {
  const times = await caches.keys();
  if (times.some((time) => Math.abs(Date.now() - Number(time)) < RELOAD_PAUSE)) return;
  await Promise.all(times.map((time) => caches.delete(time)));
  await caches.open(String(Date.now()));
  chrome.runtime.reload();
}

async function receive(from, message) {
  if (message?.type === "get") {
    const reply = await get(message.path);
    if (from === port) port.postMessage({ type: "reply", id: message.id, ...reply });
  } else if (message?.type === "show") {
    refreshEndsAt = 0;
    display({
      badge: fitBadge(String(message.badge)),
      level: message.level,
      title: String(message.title ?? ""),
      lines: Array.isArray(message.lines) ? message.lines.map(String) : [],
      read_at: Number.isFinite(message.read_at) ? message.read_at : null,
    });
  } else if (message?.type === "reload") {
    await reload();
  }
}

function findBrowserName() {
  const brands = (navigator.userAgentData?.brands ?? []).map(({ brand }) => brand);
  const real = brands.filter((brand) => !/not[\W_]*a[\W_]*brand/i.test(brand));
  return (real.find((brand) => brand !== "Chromium") ?? real[0] ?? "Chromium").slice(0, 40);
}

function connect() {
  if (port) return;
  attemptedAt = Date.now();
  problem = null;
  display(NOTHING_SHOWN);
  const opened = chrome.runtime.connectNative(HOST_NAME);
  let hasSpoken = false;
  port = opened;
  opened.onMessage.addListener((message) => {
    hasSpoken = true;
    receive(opened, message);
  });
  opened.onDisconnect.addListener(() => {
    const reason = chrome.runtime.lastError?.message ?? "";
    port = null;
    refreshEndsAt = 0;
    problem = PROBLEMS.find(([pattern]) => pattern.test(reason))?.[1] ?? (hasSpoken ? HOST_ENDED : HOST_SILENT);
    display(NOTHING_SHOWN);
  });
  opened.postMessage({ type: "hello", version: chrome.runtime.getManifest().version, browser: findBrowserName() });
}

// Called at each start of this worker (also when the extension is installed or switched on), at the start of the
// browser, once a minute, and when the popup opens. Never called because of a failure.
function keepConnected() {
  if (Date.now() - attemptedAt > CONNECT_PAUSE) connect();
}

chrome.runtime.onStartup.addListener(keepConnected);
chrome.alarms.onAlarm.addListener(() => {
  keepConnected();
  display(shown);
});
chrome.runtime.onMessage.addListener((message, _sender, answer) => {
  if (message === "open") keepConnected();
  if (message === "refresh" && Date.now() >= refreshEndsAt) {
    connect();
    refreshEndsAt = Date.now() + REFRESH_TIMEOUT;
    port.postMessage({ type: "refresh" });
  }
  answer({ ...shown, problem, isRefreshing: Date.now() < refreshEndsAt });
});
chrome.alarms.get("connect").then((alarm) => alarm ?? chrome.alarms.create("connect", { periodInMinutes: 1 }));
keepConnected();
