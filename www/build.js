export default "dev";
