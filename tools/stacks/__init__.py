"""PURE: what an environment is in AWS, as CloudFormation templates. Renders; reads and writes nothing."""
