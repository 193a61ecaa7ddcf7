/** What an edge worker imports is compiled already. */
declare module "*.wasm" {
  const module: WebAssembly.Module;
  export default module;
}
